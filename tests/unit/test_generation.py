"""Texts continued, state kept, sequences searched, words compared.

Tests ``netlang.inference.generation``, ``netlang.inference.runner``, ``netlang.inference.search``,
``netlang.inference.vectors`` and ``netlang.storage.vocabulary``.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import Said, said
from graphs import graph_of

from netlang.diagnostics.errors import FileError, InputError
from netlang.inference.generation import Sampling, generate
from netlang.inference.runner import Backend, Runner
from netlang.inference.search import State, beams, greedy
from netlang.inference.vectors import Vectors, choose_table
from netlang.inference.verification import sample_inputs
from netlang.program import load
from netlang.storage.vocabulary import Vocabulary, load_vocabulary, vocabulary_path
from netlang.storage.weights import save_weights
from netlang.system.numpy import Array

# The next token is the one before plus what the state has counted.
COUNTING = """net Counting(tokens: i64[N, T]) -> logits: f32[N, T, 7] {
  state seen: f32[N, 1] = 0.0
  each, last = scan token in one_hot(tokens, 7) with h = seen {
    next h = h + 1.0
    yield h
  }
  next seen = last
  wanted = cast(tokens, f32) + squeeze(each, -1)
  numbers = cast(iota(7), f32) |> reshape([1, 1, 7])
  logits = -abs(unsqueeze(wanted, -1) - numbers)
}
"""
FOLLOWING = """net Following(tokens: i64[N, T]) -> logits: f32[N, T, 3] {
  logits = embedding(tokens, 3, 3)
}
"""
CYCLE = {"logits.weight": np.roll(9 * np.eye(3, dtype=np.float32), 1, axis=1)}
"""After each word the next, and the first after the last."""


both = pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
boldly = Sampling(temperature=0)


# ---- state -------------------------------------------------------------------------------


@both
def test_state_is_carried_from_call_to_call_until_reset(tmp_path: Path, backend: Backend) -> None:
    runner = Runner(graph_of(tmp_path, COUNTING), {}, backend=backend)
    tokens = np.array([[1, 1, 1]])
    first = runner(tokens=tokens)["logits"].argmax(axis=-1).tolist()
    second = runner(tokens=tokens)["logits"].argmax(axis=-1).tolist()
    assert (first, second) == ([[1, 2, 3]], [[4, 5, 6]])
    assert runner.state["seen"].tolist() == [[6.0]]
    runner.reset()
    assert runner(tokens=tokens)["logits"].argmax(axis=-1).tolist() == first


def test_a_state_can_be_restored(tmp_path: Path) -> None:
    runner = Runner(graph_of(tmp_path, COUNTING), {})
    runner(tokens=np.array([[0, 0]]))
    point = dict(runner.state)
    one = runner(tokens=np.array([[0]]))["logits"]
    runner.state = point
    np.testing.assert_array_equal(runner(tokens=np.array([[0]]))["logits"], one)


def test_a_split_sequence_computes_the_same_as_the_whole() -> None:
    net = load(Path(__file__).parents[2] / "examples" / "char_lstm.net").net("CharLSTM").graph
    from netlang.ir.initializers import initialize

    runner = Runner(net, initialize(net, 0))
    tokens = sample_inputs(net, {"N": 2, "T": 6}, 0)["tokens"]
    whole = runner(tokens=tokens)["logits"]
    runner.reset()
    parts = [runner(tokens=tokens[:, a:b])["logits"] for a, b in ((0, 4), (4, 5), (5, 6))]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-4, atol=1e-6)


# ---- generation --------------------------------------------------------------------------


@both
def test_a_net_with_state_reads_each_token_once(tmp_path: Path, backend: Backend) -> None:
    runner = Runner(graph_of(tmp_path, COUNTING), {}, backend=backend)
    for _ in range(2):
        assert list(generate(runner, [0, 0], length=2, sampling=boldly)) == [1, 3]


def test_a_net_without_state_reads_everything_again(tmp_path: Path) -> None:
    runner = Runner(graph_of(tmp_path, FOLLOWING), CYCLE, backend="numpy")
    assert list(generate(runner, [1], length=5, sampling=boldly)) == [2, 0, 1, 2, 0]
    assert list(generate(runner, [2, 1], length=2, sampling=boldly, window=1)) == [2, 0]


def test_the_seed_determines_the_samples(tmp_path: Path) -> None:
    runner = Runner(graph_of(tmp_path, FOLLOWING), {"logits.weight": CYCLE["logits.weight"] / 9})
    texts = [tuple(generate(runner, [0], length=30, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_temperature_and_top_sample_from_the_likeliest() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))
    rng = np.random.default_rng(0)

    def shares(sampling: Sampling) -> Array:
        drawn = [sampling.choose(logits, rng) for _ in range(4000)]
        return np.bincount(drawn, minlength=4) / 4000

    np.testing.assert_allclose(shares(Sampling()), [0.5, 0.3, 0.15, 0.05], atol=0.03)
    np.testing.assert_allclose(shares(Sampling(top=2)), [0.625, 0.375, 0, 0], atol=0.03)
    squared = np.array([0.25, 0.09, 0.0225, 0.0025])
    np.testing.assert_allclose(shares(Sampling(0.5)), squared / squared.sum(), atol=0.03)
    assert shares(Sampling(0)).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("net A(x: f32[N, 4]) -> y: f32[N, 3] { y = dense(x, 3) }", "only input must be tokens"),
        ("net A(x: i64[N, T], m: f32[N]) -> y { y = embedding(x, 3, 3) * mean(m) }",
         "only input must be tokens"),
        ("net A(x: i64[N, T]) -> y: i64[N, T] { y = x + 1 }", "no output of logits"),
    ],
)  # fmt: skip
def test_a_net_that_cannot_continue_a_text_is_rejected(
    tmp_path: Path, text: str, message: str
) -> None:
    net = graph_of(tmp_path, text)
    from netlang.ir.initializers import initialize

    runner = Runner(net, initialize(net, 0), backend="numpy")
    with pytest.raises(InputError, match=message):
        list(generate(runner, [1], length=1))


@pytest.mark.parametrize(
    ("prompt", "message"),
    [([3], "token 3 is out of range: the net has 3"), ([], "the prompt is empty")],
)
def test_a_prompt_the_net_cannot_read_is_rejected(
    tmp_path: Path, prompt: list[int], message: str
) -> None:
    runner = Runner(graph_of(tmp_path, FOLLOWING), CYCLE, backend="numpy")
    with pytest.raises(InputError, match=message):
        list(generate(runner, prompt, length=1))


# ---- search ------------------------------------------------------------------------------

WORDS, END = 4, 3
CHAIN = np.random.default_rng(3).standard_normal((WORDS, WORDS, WORDS))


def step(tokens: Array, state: State) -> tuple[Array, Mapping[str, Array]]:
    """Score words by the two before."""
    return CHAIN[state["before"], tokens], {"before": tokens}


def score(tokens: tuple[int, ...]) -> float:
    total, before, last = 0.0, 0, 0
    for token in tokens:
        row = CHAIN[before, last]
        total += row[token] - np.log(np.exp(row).sum())
        before, last = last, token
    return float(total)


def everything(longest: int) -> list[tuple[int, ...]]:
    found = [
        (*tokens, END)
        for n in range(longest)
        for tokens in itertools.product(range(WORDS - 1), repeat=n)
    ]
    return found + list(itertools.product(range(WORDS - 1), repeat=longest))


@pytest.mark.parametrize("alpha", [0.0, 0.75])
def test_enough_beams_find_the_best_of_all_sequences(alpha: float) -> None:
    found = beams(
        step, {"before": np.array([0])}, start=0, end=END, longest=4, width=200, alpha=alpha
    )
    ranked = sorted(everything(4), key=lambda t: -score(t) / len(t) ** alpha)
    assert [f.tokens for f in found[:10]] == ranked[:10]
    np.testing.assert_allclose([f.score for f in found[:10]], [score(t) for t in ranked[:10]])


def test_greedy_search_takes_the_likeliest_at_every_step() -> None:
    expected: list[int] = []
    before, last = 0, 0
    while len(expected) < 6 and last != END:
        before, last = last, int(CHAIN[before, last].argmax())
        expected.append(last)
    found = greedy(step, {"before": np.array([0])}, start=0, end=END, longest=6)
    assert found.tokens == tuple(expected)


# ---- words -------------------------------------------------------------------------------


def test_a_vocabulary_is_read_back_from_its_file(tmp_path: Path) -> None:
    letters = Vocabulary(("\n", " ", '"', "a", "é", "\u2028"))
    place = vocabulary_path(tmp_path / "char.safetensors")
    letters.save(place)
    assert load_vocabulary(place) == letters
    assert letters.decode(letters.encode('é "a\n')) == 'é "a\n'
    words = Vocabulary(("the", "time"))
    assert words.decode(words.encode("the time the")) == "the time the"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'"a"\n"b"\n"a"\n', "line 3 is the word of line 1 again"),
        (b'"a"\n[[["b"]]]\n', "line 2 is not a word"),
        (b'"a"\n"b\n', "line 2 is not a word"),
        (b"\xff\xfe", "is not text in UTF-8"),
    ],
)
def test_a_file_that_is_not_a_vocabulary_is_rejected(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "bad.vocab").write_bytes(content)
    with pytest.raises(FileError, match=message):
        load_vocabulary(tmp_path / "bad.vocab")


WORD_LIST = Vocabulary(("man", "woman", "king", "queen", "apple"))
TABLE = np.array([[1, 0, 0.1], [0, 1, 0.1], [1, 0, 2], [0, 1, 2], [-1, -1, 0]], dtype=np.float32)


def test_words_are_compared_by_the_angle_between_their_vectors() -> None:
    vectors = Vectors(WORD_LIST, TABLE)
    first, *rest = vectors.combined(["king"], [], 3)
    assert (first.word, round(first.cosine, 3)) == ("queen", 0.8)
    assert [near.word for near in rest] == ["man", "woman"]
    assert [near.word for near in vectors.combined(["king", "woman"], ["man"], 1)] == ["queen"]
    assert len(vectors.combined(["king"], [], 100)) == 4


def test_rows_past_the_last_word_are_unused() -> None:
    roomy = np.concatenate([TABLE, TABLE[2:3]])
    assert [near.word for near in Vectors(WORD_LIST, roomy).combined(["king"], [], 9)] == [
        near.word for near in Vectors(WORD_LIST, TABLE).combined(["king"], [], 9)
    ]
    with pytest.raises(InputError, match="has 5 words, and the table of vectors has room for 4"):
        Vectors(WORD_LIST, TABLE[:4])


def test_an_unknown_word_is_rejected() -> None:
    with pytest.raises(InputError, match='the vocabulary of 5 words has no "kign"') as told:
        Vectors(WORD_LIST, TABLE).combined(["kign"], [], 1)
    assert told.value.helps == ('did you mean "king"?',)


def test_the_table_is_the_only_parameter_with_a_row_for_each_word() -> None:
    weights = {"v.weight": TABLE, "out.weight": TABLE.T}
    assert choose_table(weights, None, 5) is TABLE
    assert choose_table({**weights, "u.weight": TABLE[:, :2]}, "v", 5) is TABLE
    with pytest.raises(InputError, match="2 parameters have a row for each"):
        choose_table({**weights, "u.weight": TABLE}, None, 5)
    spare = np.concatenate([TABLE, TABLE])
    assert choose_table({**weights, "u.weight": spare}, None, 5) is TABLE
    assert choose_table({"u.weight": spare, "out.weight": TABLE.T}, None, 5) is spare
    with pytest.raises(InputError, match="there is no parameter `w`"):
        choose_table(weights, "w", 5)


# ---- commands ----------------------------------------------------------------------------


@pytest.fixture
def netlang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "speaker.net").write_text(FOLLOWING, encoding="utf-8")
    save_weights(tmp_path / "speaker.safetensors", CYCLE)
    Vocabulary(("a", "b", "c")).save(tmp_path / "speaker.vocab")
    save_weights(tmp_path / "words.safetensors", {"v.weight": TABLE})
    WORD_LIST.save(tmp_path / "words.vocab")

    return partial(said, capsys)


SPEAK = ("generate", "speaker.net", "--weights", "speaker.safetensors", "--prompt")


def test_generate_continues_the_prompt(netlang: Callable[..., Said]) -> None:
    said = netlang(*SPEAK, "ab", "--length", "4", "--temperature", "0")
    assert said == (0, "abcabc\n", "")
    code, out, _ = netlang(*SPEAK, "ab", "-n", "4", "-t", "0", "--json")
    assert code == 0
    assert json.loads(out) == {
        "net": "Following", "prompt": "ab", "text": "cabc", "tokens": [2, 0, 1, 2],
    }  # fmt: skip


def test_generate_reports_what_it_cannot_read(netlang: Callable[..., Said], tmp_path: Path) -> None:
    code, _, told = netlang(*SPEAK, "ax")
    assert (code, told.splitlines()[0]) == (
        1, 'error[bad-input]: the vocabulary of 3 words has no "x"',
    )  # fmt: skip
    Vocabulary(("a", "b", "c", "d")).save(tmp_path / "speaker.vocab")
    code, _, told = netlang(*SPEAK, "a")
    assert code == 1
    assert "the vocabulary has 4 words, and `Following` has room for 3" in told
    (tmp_path / "speaker.vocab").unlink()
    code, _, told = netlang(*SPEAK, "a")
    assert code == 1
    assert "there is no vocabulary" in told


def test_only_words_of_the_vocabulary_are_written(
    netlang: Callable[..., Said], tmp_path: Path
) -> None:
    Vocabulary(("a", "b")).save(tmp_path / "speaker.vocab")
    code, out, _ = netlang(*SPEAK, "a", "--length", "50", "--temperature", "9")
    assert code == 0
    assert set(out.strip()) == {"a", "b"}


def test_nearest_shows_words_and_analogies(netlang: Callable[..., Said]) -> None:
    assert netlang("nearest", "words.safetensors", "king", "--k", "2") == (
        0, "queen  0.800\nman    0.534\n", "",
    )  # fmt: skip
    code, out, _ = netlang(
        "nearest", "words.safetensors", "king", "woman", "--minus", "man", "--k", "1", "--json"
    )
    assert code == 0
    assert [near["word"] for near in json.loads(out)] == ["queen"]


def test_run_keeps_a_state_in_a_file(netlang: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "counting.net").write_text(COUNTING, encoding="utf-8")
    np.save(tmp_path / "tokens.npy", np.array([[1, 1]]))
    call = ("run", "counting.net", "--input", "tokens=tokens.npy", "--state", "h.npz", "--json")
    likeliest: list[object] = []
    for _ in range(2):
        code, out, _ = netlang(*call)
        assert code == 0
        outputs = json.loads(out)["outputs"]
        assert list(outputs) == ["logits"]
        likeliest.append(np.argmax(outputs["logits"]["values"], axis=-1).tolist())
    assert likeliest == [[[1, 2]], [[3, 4]]]
    assert np.load(tmp_path / "h.npz")["seen"].tolist() == [[4.0]]
    np.savez(tmp_path / "h.npz", other=np.zeros((1, 1), dtype=np.float32))
    code, _, told = netlang(*call[:-1])
    assert code == 1
    assert "h.npz holds other, and not the state of `Counting`" in told
    code, _, told = netlang(
        "run", "speaker.net", "--input", "tokens=tokens.npy", "--state", "h.npz"
    )  # fmt: skip
    assert code == 1
    assert "`Following` has no state" in told


# ---- translation -------------------------------------------------------------------------


def test_step_by_step_decoding_agrees_with_training() -> None:
    from netlang.ir.initializers import initialize

    loaded = load(Path(__file__).parents[2] / "examples" / "seq2seq.net")
    whole, encode, step_net = (
        loaded.net(name).graph for name in ("Translator", "Encode", "DecodeStep")
    )
    weights = initialize(whole, 0)
    read = {"src": np.array([[4, 9, 2, 7], [3, 1, 0, 0]]), "src_len": np.array([4, 2])}
    given = np.array([[1, 5, 8], [1, 6, 2]])
    expected = Runner(whole, weights)(**read, tgt=given)["logits"]
    seen = Runner(encode, weights)(**read)
    decoder = Runner(step_net, weights)
    h = seen["h"]
    for t in range(3):
        made = decoder(token=given[:, t], h=h, memory=seen["memory"], mask=seen["mask"])
        h = made["h1"]
        np.testing.assert_allclose(made["logits"], expected[:, t], rtol=1e-3, atol=1e-5)

    def step(tokens: Array, state: State) -> tuple[Array, Mapping[str, Array]]:
        made = decoder(token=tokens, **state)
        return made["logits"], {**state, "h": made["h1"]}

    state = {name: array[:1] for name, array in seen.items()}
    found = beams(step, state, start=1, end=2, longest=5, width=3)
    best = greedy(step, state, start=1, end=2, longest=5)
    assert len(found) == 3
    assert found[0].score >= best.score
    np.testing.assert_allclose(decoder_score(step, state, found[0].tokens), found[0].score)


def decoder_score(
    step: Callable[[Array, State], tuple[Array, State]], state: State, tokens: tuple[int, ...]
) -> float:
    """Add up what a step gives to the tokens of a sequence."""
    total, last = 0.0, 1
    for token in tokens:
        logits, state = step(np.array([last]), state)
        row = logits[0].astype(np.float64)
        total += row[token] - row.max() - np.log(np.exp(row - row.max()).sum())
        last = token
    return float(total)
