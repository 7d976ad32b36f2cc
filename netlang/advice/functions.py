"""What to write for the functions and methods of tensors in PyTorch, NumPy and Keras."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "abs": "absolute fabs",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atanh": "arctanh",
    "atan2": "arctan2",
    "trunc": "fix",
    "exp": "exponential",
    "maximum": "fmax",
    "minimum": "fmin",
    "is_nan": "isnan",
    "is_inf": "isinf",
    "rank": "dim ndim",
    "eye": "identitymatrix",
    "outer": "ger",
    "dot": "vdot inner",
    "`@`": "mv chainmatmul multidot scaledmm groupedmm scaledgroupedmm",
    "`-x`": "negative",
    "`%`": "remainder floormod",
    "stop_gradient": "detach",
    "cast": "typeas",
    "stack": "dstack columnstack",
    "split": "dsplit hsplit vsplit",
    "sort": "msort",
    "flip": "fliplr flipud",
    "param": "parameter uninitializedparameter",
    "attention": "scaleddotproductattention",
    "channel_shuffle": "nativechannelshuffle",
    "layer_norm": "nativelayernorm",
    "max_pool_indices": "maxpoolwithindices",
}
"""Ours, and what others call it, as ``synonyms.FOREIGN`` has it."""

_COMPLEX = "there are no complex numbers: keep the parts in two tensors"
_BITS = "there are no bits of numbers: `and`, `or`, `not` and `logical_xor` take bools"
_MATRICES = "matrices are multiplied here and not solved: do it before, and give the result"
_WAVES = "there is no Fourier transform: give the net its result as an input"
_NO_FUNCTION = "there is no such function: declare yours with `extern op`"
_RANDOM = "`random_normal` and `random_uniform` draw in a `train` section; nets draw in `dropout`"
_OPEN = "how much comes out is known at run time only: a mask and `select` keep the shape"
_CARRIED = "write it as a `scan` that carries the result so far"
_FILLED = "say the shape: `full(shape(x), 0.0)`"
_WRITTEN = "written into a part: `concat` what stands before it, the part, and what comes after"
_PLACED = '`scatter` writes along an axis, `scatter_nd` at places; `reduction="add"` adds up'
_SORTED = "`sort` the axis, and take the place: `sort(x, axis=1)[:, 5]`"
_EDGES = "count the edges below: `sum(cast(unsqueeze(x, -1) >= edges, i64), axis=-1)`"
_UNSAID = "leave it out: the compiler knows when a copy is needed"
_OUTSIDE = "leave it out: a net describes values, `netlang run` and `train` compute them"
_NO_NANS = "replace them first: `select(is_nan(x), 0.0, x)`"

FORMULAS: dict[str, str] = {
    **dict.fromkeys(
        ("bitwiseand", "bitwiseor", "bitwisenot", "bitwisexor", "bitwiseleftshift",
         "bitwiserightshift"),
        _BITS,
    ),
    **dict.fromkeys(("real", "imag", "conj", "angle", "polar", "viewasreal", "viewascomplex"),
                    _COMPLEX),
    **dict.fromkeys(
        ("cholesky", "det", "inverse", "inv", "lu", "logdet", "lstsq", "matrixexp", "pinverse",
         "pinv", "qr", "slogdet", "solve", "svd", "eig", "eigh", "triangularsolve"),
        _MATRICES,
    ),
    **dict.fromkeys(
        ("fft", "ifft", "rfft", "stft", "istft", "hannwindow", "melspectrogram",
         "stftspectrogram"),
        _WAVES,
    ),
    **dict.fromkeys(("digamma", "lgamma", "erfinv", "i0", "gcd", "lcm", "polygamma"),
                    _NO_FUNCTION),
    **dict.fromkeys(
        ("bernoulli", "multinomial", "rand", "randn", "randint", "randperm", "randlike",
         "randnlike"),
        _RANDOM,
    ),
    **dict.fromkeys(
        ("argwhere", "nonzero", "maskedselect", "unique", "maskedscatter", "histogram", "histc",
         "combinations", "cartesianprod"),
        _OPEN,
    ),
    **dict.fromkeys(("cummax", "cummin", "cumprod", "logcumsumexp", "cumulativetrapezoid"),
                    _CARRIED),
    **dict.fromkeys(("empty", "emptylike", "fulllike", "zeroslike", "oneslike", "newzeros"),
                    _FILLED),
    **dict.fromkeys(("selectscatter", "slicescatter", "diagonalscatter"), _WRITTEN),
    **dict.fromkeys(("indexadd", "indexcopy", "indexput", "put"), _PLACED),
    **dict.fromkeys(("median", "quantile", "percentile"), _SORTED),
    **dict.fromkeys(("searchsorted", "bucketize", "digitize", "discretization"), _EDGES),
    **dict.fromkeys(("clone", "copy", "contiguous"), _UNSAID),
    **dict.fromkeys(
        ("backward", "cpu", "cuda", "device", "nograd", "numpy", "item", "tolist",
         "requiresgrad"),
        _OUTSIDE,
    ),
    **dict.fromkeys(("nanmean", "nansum", "nanmedian", "nanquantile", "nantonum"), _NO_NANS),
    "addmm": "write `b + x @ w`",
    **dict.fromkeys(("addbmm", "baddbmm", "addmv", "addr"), "write the sum: `x + a @ b`"),
    "addcmul": "write it: `x + value * a * b`",
    "addcdiv": "write it: `x + value * a / b`",
    "rsub": "write `b - a`",
    "positive": "leave it out: a value stands for itself",
    "floordivide": "`a // b` divides ints, `floor(a / b)` numbers with a point",
    "truedivide": "write `a / b`",
    "floatpower": "write `a ** b`",
    "ldexp": "write `x * 2.0 ** n`",
    "deg2rad": "write `x * 0.017453292519943295`",
    "rad2deg": "write `x * 57.29577951308232`",
    "erfc": "write `1.0 - erf(x)`",
    "hypot": "write `sqrt(a * a + b * b)`",
    "copysign": "write `abs(a) * sign(b)`",
    "signbit": "write `x < 0.0`",
    "heaviside": "write `select(x > 0.0, 1.0, 0.0)`",
    "sinc": "write `sin(3.141592653589793 * x) / (3.141592653589793 * x)`, with `select` at 0",
    "xlogy": "write `select(x == 0.0, 0.0, x * log(y))`",
    "logaddexp2": "write it with `logaddexp`, which takes powers of e",
    "isfinite": "write `not (is_nan(x) or is_inf(x))`",
    **dict.fromkeys(("isneginf", "isposinf"), "write `is_inf(x) and x < 0.0`, or `x > 0.0`"),
    **dict.fromkeys(("isclose", "allclose"), "write `abs(a - b) < 1e-5`"),
    "isin": "compare with each: `x == 1 or x == 2`",
    "maskedfill": "write `select(mask, 0.0, x)`, with the value to fill in",
    "indexfill": "write `select(mask, 0.0, x)`, with a mask of the places",
    "countnonzero": "write `sum(cast(x != 0.0, i64), axis=1)`",
    "numel": "write `product(shape(x))`",
    "bincount": "write `sum(one_hot(ids, classes), axis=0)`",
    "diff": "write `x[:, 1:] - x[:, :-1]`",
    "gradient": "differences are `x[:, 1:] - x[:, :-1]`; gradients of a loss are taken by `train`",
    **dict.fromkeys(("stdmean", "varmean"), "write `deviation` or `variance`, and `mean`"),
    "aminmax": "write `min` and `max`",
    "dist": "write `norm(a - b)`",
    "pdist": "`cdist(x, x)` gives all pairs, each twice",
    "renorm": "write `x * minimum(limit / norm(x, axis=1, keep=true), 1.0)`",
    "cov": "write `transpose(d) @ d / (n - 1)`, with `d` the rows less their mean",
    "corrcoef": "`cosine_similarity` of two rows less their mean",
    "cross": "write `roll(a, -1, axis=1) * roll(b, -2, axis=1) - roll(a, -2, axis=1) * "
    "roll(b, -1, axis=1)`",
    "kron": 'write `einsum("ij,kl->ikjl", a, b)` and `reshape` it',
    "tensordot": 'write `einsum("ijk,jkl->il", a, b)`: a letter for each axis',
    "trace": 'write `einsum("ii->", x)`',
    "diag": 'write `einsum("ii->i", x)`; a matrix of a diagonal is `unsqueeze(x, 1) * eye(n)`',
    "diagonal": 'write `einsum("bii->bi", x)`: a letter for each axis',
    **dict.fromkeys(("diagembed", "diagflat"), "write `unsqueeze(x, -1) * eye(n)`"),
    "blockdiag": "`concat` each block with `full([m, n], 0.0)` beside it",
    "linspace": "write `cast(iota(n), f32) * ((last - first) / (n - 1)) + first`",
    "logspace": "write `10.0 ** x`, with the exponents from `iota`",
    "meshgrid": "`unsqueeze(iota(h), 1)` and `unsqueeze(iota(w), 0)` stretch to [h, w] in use",
    **dict.fromkeys(("trilindices", "triuindices"), "`tril` and `triu` take a part by its place"),
    "vander": "`stack` the powers: `stack([x ** i for i in 0..n], axis=1)`",
    "trapezoid": "write `sum(x[:, 1:] + x[:, :-1], axis=1) / 2.0`, times the step",
    "kthvalue": "`ranked(x, k, smallest=true)` gives the k smallest in order; take the last",
    "mode": "there is none: `argmax(sum(one_hot(ids, classes), axis=0), axis=0)` counts classes",
    "rot90": "write `flip(swap_axes(x, 2, 3), 2)`",
    "narrow": "take a part with a slice: `x[:, 2:5]`",
    "unravelindex": "`ids // width` is the row, `ids % width` the column",
    "broadcasttensors": "`expand` each; most operators stretch axes that are 1 long anyway",
    "viewas": "write `reshape(x, shape(y))`",
    "atleast": "write `unsqueeze(x, 0)`",
    "mt": "`transpose(x)` turns a matrix, `swap_last(x)` a batch of them",
    **dict.fromkeys(("bool", "double", "half", "long"), "write `cast(x, i64)`, with your type"),
    **dict.fromkeys(("buffer", "uninitializedbuffer"), "write `param(…, trained=false)`"),
    **dict.fromkeys(
        ("gridsample", "affinegrid"),
        "there is no sampling at places known at run time only: `resize`, or an `extern op`",
    ),
    "gumbelsoftmax": "write `softmax((x - log(-log(u))) / t)`, with `u` an input of the net",
    "convtbc": "`conv` takes [N, C, T]: `transpose` before and after it",
    "adaptivemaxpoolwithindices": "`max_pool_indices` gives places, for windows of one size",
    "maskedsoftmax": "write `softmax(select(mask, x, -1e9))`",
}  # fmt: skip
"""What has no name of its own here: the expression to write, or why there is none."""
