"""Random numbers that depend on nothing but what they are for."""

from __future__ import annotations

from netlang.system.numpy import Array, np

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS, _WORD = 10, 0xFFFF_FFFF


def philox(counters: Array, key: int) -> Array:
    """Scramble counters ``u32[N, 4]`` with a key of 64 bits: ``u32[N, 4]``.

    Source: Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
    """
    a, b, c, d = (counters[:, i].astype(np.uint64) for i in range(4))
    low, high = key & _WORD, key >> 32 & _WORD
    shift, word = np.uint64(32), np.uint64(_WORD)
    first, second = (np.uint64(m) for m in _MULTIPLIERS)
    for _ in range(_ROUNDS):
        left, right = first * a, second * c
        a, b, c, d = (
            right >> shift ^ b ^ np.uint64(low),
            right & word,
            left >> shift ^ d ^ np.uint64(high),
            left & word,
        )
        low, high = low + _WEYL[0] & _WORD, high + _WEYL[1] & _WORD
    return np.stack([a, b, c, d], axis=1).astype(np.uint32)


def uniform(seed: int, epoch: int, site: int, rows: Array, count: int) -> Array:
    """Draw ``count`` numbers from 0 to below 1 for each row: ``i64[N] -> f64[N, count]``.

    ``site`` is the place that draws; the same place draws the same for a row in the same epoch.
    """
    blocks = -(-count // 4)
    counters = np.empty((len(rows), blocks, 4), np.uint32)
    counters[:, :, 0] = rows[:, np.newaxis]
    counters[:, :, 1] = epoch & _WORD
    counters[:, :, 2] = site
    counters[:, :, 3] = np.arange(blocks)
    words = philox(counters.reshape(-1, 4), seed)
    return words.reshape(len(rows), -1)[:, :count] / 2.0**32


def shuffled(seed: int, epoch: int, count: int) -> Array:
    """Give the numbers below ``count`` in an order of their own for each seed and epoch."""
    # The high bit keeps this stream apart from the one that synthetic rows are drawn from: an order
    # that follows their noise would show easy rows first.
    key = np.array([seed & 2**64 - 1, epoch | 1 << 63], np.uint64)
    # Raw words are part of the generator's definition; its shuffles may change with NumPy.
    words = np.random.Philox(key=key).random_raw(count)
    return np.argsort(words, kind="stable")
