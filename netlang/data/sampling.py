"""Random numbers that depend on nothing but their purpose."""

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


def uniform(seed: int, epoch: int, site: int, examples: Array, count: int) -> Array:
    """Sample ``count`` numbers from 0 to below 1 for each example: ``i64[N] -> f64[N, count]``.

    ``site`` numbers the users of random numbers; each samples the same for an example in an epoch.
    """
    blocks = -(-count // 4)
    counters = np.empty((len(examples), blocks, 4), np.uint32)
    counters[:, :, 0] = examples[:, np.newaxis]
    counters[:, :, 1] = epoch & _WORD
    counters[:, :, 2] = site
    counters[:, :, 3] = np.arange(blocks)
    words = philox(counters.reshape(-1, 4), seed)
    return words.reshape(len(examples), -1)[:, :count] / 2.0**32


def shuffled(seed: int, epoch: int, count: int) -> Array:
    """Return a permutation of the numbers below ``count`` for each seed and epoch."""
    # The high bit separates this stream from the one that synthetic examples are sampled from: an
    # order that follows their noise would show easy examples first.
    key = np.array([seed & 2**64 - 1, epoch | 1 << 63], np.uint64)
    # Raw words are part of the generator's definition; its shuffles may change with NumPy.
    words = np.random.Philox(key=key).random_raw(count)
    return np.argsort(words, kind="stable")
