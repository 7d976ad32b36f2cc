"""What other frameworks call our layers, and what to do for those that are no layers here."""

from __future__ import annotations

import re
from collections.abc import Collection

from netlang.advice.functions import FORMULAS, FUNCTIONS
from netlang.diagnostics.suggestions import nearest

FOREIGN: dict[str, str] = {
    # Layers that hold weights.
    "conv": "convolution conv1x1 lazyconv",
    "conv_transpose": "convtranspose convolutiontranspose deconv deconvolution lazyconvtranspose",
    "depthwise_conv": "depthwiseconvolution dwconv",
    "separable_conv": "separableconvolution sepconv",
    "dense": "linear lazylinear fc fullyconnected innerproduct affine",
    "embedding": "embeddings lookup wordembedding",
    "embedding_bag": "embeddingbag",
    "bilinear": "biaffine",
    "prelu": "parametricrelu",
    "layer_scale": "layerscale",
    "batch_norm": "bn batchnormalization syncbatchnorm lazybatchnorm batchnormal",
    "layer_norm": "ln layernormalization",
    "group_norm": "gn groupnormalization",
    "instance_norm": "instancenormalization lazyinstancenorm",
    "rms_norm": "rmsnormalization",
    "rnn": "simplernn rnnbase",
    "rnn_cell": "simplernncell rnncellbase",
    "multi_head_attention": "multiheadattention mha selfattention multihead",
    "encoder_layer": "transformerencoderlayer transformerencoder transformerblock",
    "decoder_layer": "transformerdecoderlayer transformerdecoder",
    # Pools.
    "max_pool": "maxpool maxpooling",
    "avg_pool": "avgpool averagepool averagepooling meanpool",
    "max_unpool": "maxunpool maxunpooling",
    "max_pool_indices": "maxpoolwithargmax maxpoolwithindices",
    "lp_pool": "lppool lppooling",
    "adaptive_avg_pool": "adaptiveaveragepooling adaptiveaveragepool",
    "adaptive_max_pool": "adaptivemaxpooling",
    "global_avg_pool": "globalaveragepooling globalaveragepool gap",
    "global_max_pool": "globalmaxpooling gmp",
    # Maps of another size, padding, channels.
    "upsample": "upsampling upsamplingnearest upsamplingbilinear upsamplebilinear upsamplenearest",
    "resize": "interpolate resizing",
    "pad": "padding zeropad zeropadding constantpad reflectionpad replicationpad circularpad",
    "pixel_shuffle": "subpixel",
    "depth_to_space": "depth2space",
    "space_to_depth": "space2depth",
    "local_response_norm": "lrn crossmaplrn localresponsenormalization",
    "l2_normalize": "normalize unitnormalization l2norm",
    "unfold": "im2col",
    "fold": "col2im",
    # Activations.
    "relu": "rectifier rectify rectifiedlinear",
    "sigmoid": "logistic",
    "leaky_relu": "lrelu",
    "threshold": "thresholdedrelu",
    "silu": "swish1",
    "hardsigmoid": "hardsig",
    "hardswish": "hardsilu",
    "log_sigmoid": "logsigmoid",
    "dropout_channels": "dropout2d dropout1d dropout3d featuredropout spatialdropout",
    "alpha_dropout": "alphadropout",
    "alpha_dropout_channels": "featurealphadropout",
    "drop_path": "stochasticdepth droppath",
    # Arithmetic.
    "`+`": "add plus",
    "`-`": "subtract sub minus",
    "`*`": "mul multiply times",
    "`/`": "div divide truediv",
    "`**`": "pow power",
    "`@`": "matmul mm bmm batchdot batchmatmul",
    "`and`": "and logicaland",
    "`or`": "or logicalor",
    "`not`": "not logicalnot",
    "`==`": "eq equal",
    "`!=`": "ne notequal",
    "`<`": "lt less",
    "`<=`": "le lessequal",
    "`>`": "gt greater",
    "`>=`": "ge greaterequal",
    "`1..n`": "range",
    "clamp": "clip clipbyvalue",
    "clamp_low": "clampmin",
    "clamp_high": "clampmax",
    "variance": "var reducevar reducevariance",
    "deviation": "std reducestd stddev",
    "select": "where ifelse cond",
    "maximum": "elementwisemax",
    "minimum": "elementwisemin",
    "mean": "avg reducemean average",
    "sum": "reducesum",
    "max": "reducemax amax",
    "min": "reducemin amin",
    "prod": "reduceprod",
    "logsumexp": "reducelogsumexp",
    "all": "reduceall",
    "any": "reduceany",
    "norm": "vectornorm",
    "ranked": "topk kthlargest",
    "lerp": "mix",
    "einsum": "einsumdense",
    "erf": "errorfunction",
    # Shapes and places.
    "concat": "cat concatenate concatenation hstack vstack",
    "split": "splitwithsizes tensorsplit",
    "unstack": "unbind",
    "transpose": "permute permutation movedim moveaxis",
    "swap_axes": "swapaxes swapdims",
    "reshape": "view",
    "unflatten": "unflattenlayer",
    "flatten": "ravel",
    "repeat": "repeatinterleave repeatelements",
    "tile": "repeatvector",
    "expand": "broadcastto expandas",
    "take_along": "takealongdim takealongaxis gatherelements",
    "gather": "indexselect",
    "scatter": "scatteradd scatterelements scatterreduce",
    "one_hot": "onehot categoryencoding",
    "iota": "arange",
    "full": "ones zeros fill constantof",
    "cast": "astype to",
    # Losses.
    "bce_with_logits": "bcewithlogitsloss binarycrossentropywithlogits multilabelsoftmarginloss",
    "bce": "bceloss binarycrossentropy",
    "cross_entropy": "crossentropyloss categoricalcrossentropy sparsecategoricalcrossentropy "
    "softmaxcrossentropy linearcrossentropyloss linearcrossentropyoptions "
    "linearcrossentropy",
    "nll": "nllloss negativeloglikelihood",
    "mse": "mseloss meansquarederror",
    "mae": "l1loss l1 meanabsoluteerror",
    "huber": "huberloss",
    "smooth_l1": "smoothl1loss",
    "poisson_nll": "poissonnllloss poisson",
    "gaussian_nll": "gaussiannllloss",
    "soft_margin": "softmarginloss",
    "margin_ranking": "marginrankingloss",
    "hinge_embedding": "hingeembeddingloss",
    "cosine_embedding": "cosineembeddingloss",
    "triplet": "tripletmarginloss tripletloss tripletmarginwithdistanceloss",
    "hinge": "hingeloss",
    "ctc": "ctcloss",
    "multi_margin": "multimarginloss",
    "multilabel_margin": "multilabelmarginloss",
    "kl_div": "kldivloss kldivergence kld",
    "top_k": "topkaccuracy topkcategoricalaccuracy sparsetopkcategoricalaccuracy top5",
    "accuracy": "acc categoricalaccuracy sparsecategoricalaccuracy binaryaccuracy",
    # Training.
    "`sgd(lr, momentum=0.9)`": "momentum nesterov",
    "sgd": "gradientdescent stochasticgradientdescent",
    "inverse_time": "inversetimedecay",
    "exponential": "exponentiallr exponentialdecay",
    "step_decay": "steplr",
    "multi_step": "multisteplr piecewiseconstantdecay",
    "cosine": "cosineannealing cosineannealinglr cosinedecay",
    "polynomial": "polynomiallr polynomialdecay linearlr lineardecay",
    "one_cycle": "onecyclelr",
    "warmup": "warmuplr linearwarmup",
    "clip_norm": "clipgradnorm clipgradients gradientclipping clipbynorm clipbyglobalnorm",
    "clip_value": "clipgradvalue",
    "save_best": "modelcheckpoint",
    "early_stop": "earlystopping",
    "xavier_uniform": "xavier glorot glorotuniform",
    "xavier_normal": "glorotnormal",
    "kaiming_normal": "kaiming he henormal",
    "kaiming_uniform": "heuniform",
    "truncated_normal": "truncnormal",
    "normal": "randomnormal",
    "`decay`, an argument of the optimizer": "weightdecay",
    # Data.
    "batches": "dataloader batch batchsize",
    "image_folder": "imagefolder imagedatasetfromdirectory",
    "two_moons": "makemoons",
    "noisy_linear": "makeregression",
    "gaussian_clouds": "makeblobs",
    "rescale": "rescaling",
    "standardize": "normalization",
    "flip": "randomhorizontalflip randomverticalflip horizontalflip verticalflip randomflip",
    "crop": "randomcrop randomtranslation",
    "random_resized_crop": "randomsizedcrop",
    "rotate": "randomrotation",
    "erase": "randomerasing cutout",
    "lighting": "fancypca pcajitter",
    "color_jitter": "colorjitter randomcolorjitter randombrightness randomcontrast "
    "randomhue randomsaturation",
}
"""Ours, and what others call it: in small letters, without underscores and ``1d`` to ``3d``."""

_OTHER_OPTIMIZER = (
    "there is no such optimizer: `sgd`, `adagrad`, `rmsprop`, `adadelta`, `adam` and `adamw` are"
)
_POINTLESS = "layers are called by their names alone: `conv`, `relu`, ..."
_NO_RANDOMNESS = "there is no such layer: `dropout` is what draws at random in training"
_OTHER_LOSS = (
    "there is no such loss: write its formula, or `mse`, `cross_entropy`, `huber`, `hinge`"
)
_NO_COLOURS = "there is no such transform: `color_jitter` and `lighting` change colours"
_NO_TRANSFORM = "there is no such transform: `flip`, `crop`, `rotate`, `erase` move and hide parts"
_FOREIGN_CODE = "define a `block`; an `extern op` runs code of your own"
_TEXT = "text becomes numbers where it is read, by the vocabulary of its data set"
_LISTS = "there are no containers: a `for` makes layers one after the other, a block names them"

ADVICE: dict[str, str] = {
    "identity": "leave it out: a value stands for itself",
    "sequential": "join the layers with `|>`",
    **dict.fromkeys(
        ("input", "inputlayer", "inputspec"), "the inputs stand in the net's signature"
    ),
    "dataparallel": "leave it out: a net runs on one device, and `--provider` says which",
    "activityregularization": "add it to the loss: `mse(…) + 0.01 * sum(abs(h))`",
    **dict.fromkeys(
        ("spectralnorm", "spectralnormalization", "weightnorm"),
        "there is no such layer: divide the weight in a `block` of your own",
    ),
    **dict.fromkeys(
        ("squeezeandexcitation", "squeezeexcitation", "selayer", "seblock"),
        "write `from std.vision import squeeze_excite`",
    ),
    **dict.fromkeys(
        ("convbnrelu", "convbnact", "conv2dnormactivation", "convnormact"),
        "write `from std.vision import conv_bn`, and `|> relu`",
    ),
    "mbconv": "write `from std.vision import inverted_residual`",
    "basicblock": "write `from std.vision import residual`",
    "patchembed": "write `from std.vision import patch_embedding`",
    "mlpblock": "write `|> dense(256) |> gelu |> dense(64)`, or `feed_forward`",
    "dropblock": "there is no such layer: `dropout_channels` drops whole channels",
    "featurepyramidnetwork": "write its levels: a `conv` of 1, `upsample`, and `+`",
    "frozenbatchnorm": "name the part in `freeze`: it then keeps its mean and variance",
    **dict.fromkeys(
        ("slice", "slicing", "stridedslice"), "a part is `x[:, 1:5]`, with a step `x[:, ::2]`"
    ),
    **dict.fromkeys(
        ("antialias", "bicubic", "trilinear"), "a setting of `resize` and `upsample`"
    ),
    "stride": "a setting of windows: `conv(x, 8, 3, stride=2)`, and of pools",
    "causal": "a padding of `conv`: `pad=causal`; of attention it is a setting or `causal_mask`",
    "rearrange": "write `reshape` and `transpose`",
    "groupqueryattention": "give `attention` keys and values that `repeat` copies for each group",
    "stackedrnncells": "recurrent layers take `layers=`",
    "convlstm": "write its step as a `scan` with `conv`",
    **dict.fromkeys(
        ("solarization", "autocontrast", "equalization", "randomcolordegeneration",
         "randomgaussianblur", "randomgrayscale", "randominvert", "randomposterization",
         "randomsharpness"),
        _NO_COLOURS,
    ),
    **dict.fromkeys(
        ("augmix", "cutmix", "mixup", "maxnumboundingboxes", "randaugment",
         "randomelastictransform", "randomperspective", "randomshear"),
        _NO_TRANSFORM,
    ),
    **dict.fromkeys(
        ("flaxlayer", "jaxlayer", "tfsmlayer", "torchmodulewrapper", "wrapper"),
        _FOREIGN_CODE,
    ),
    "pipeline": "transforms stand in a list: `map(image=[flip(), crop(24)])`",
    "squareplus": "write `(x + sqrt(x * x + 4.0)) / 2.0`",
    "sparsesigmoid": "write `clamp(x / 2.0 + 0.5, 0.0, 1.0)`",
    "sparseplus": "write `select(x < 1.0, clamp_low(x + 1.0, 0.0) ** 2 / 4.0, x)`",
    "sparsemax": "there is no such activation: `softmax` of `x * 4.0` is sparser",
    "adaptivelogsoftmaxwithloss": "there is no adaptive softmax: `cross_entropy` over all classes",
    "randomzoom": "`random_resized_crop` takes a part of any size",
    "additiveattention": "write its scores: `tanh(q + k)`, a `dense(1)`, and `softmax`",
    "print": "`netlang summary` shows every shape; a shape in a pipeline checks one",
    "self": "weights belong to the binding that makes them; there is no object to name",
    "activation": "activations are called by their names: `relu`, `tanh`, `softmax`, ...",
    "lambda": "write the expression in its place, or define an `op`",
    "module": "a net is `net Name(x: f32[N, 3]) -> y { … }`, a part of one a `block`",
    "cropping": "take a part with a slice: `x[:, :, 1:-1, 1:-1]`",
    "timedistributed": "`dense`, norms and activations work on every step of [N, T, D] alike",
    "bidirectional": "recurrent layers take `bidirectional=true`",
    "masking": "recurrent layers take `length=`, losses and attention `mask=`",
    "transformer": "build it of `encoder_layer` and `decoder_layer`",
    **dict.fromkeys(
        ("fractionalmaxpool", "fractionalmaxpoolwithindices"),
        "there is no such layer: `adaptive_max_pool` takes the size to reach",
    ),
    "reducelronplateau": "a schedule is known before the run: `cosine`, `step_decay`; "
    "`early_stop` looks at a metric",
    "totensor": "leave it out: pictures are read as f32[C, H, W] from 0 to 1",
    "shuffle": "write it where rows become batches: `batches(32, shuffle=true)`",
    **dict.fromkeys(
        ("adamax", "ftrl", "lamb", "lars", "lbfgs", "lion", "muon", "nadam", "radam", "adafactor"),
        _OTHER_OPTIMIZER,
    ),
    **dict.fromkeys(("torch", "nn", "tf", "keras"), _POINTLESS),
    **dict.fromkeys(("container", "modulelist", "moduledict", "parameterlist", "parameterdict"),
                    _LISTS),
    **dict.fromkeys(
        ("textvectorization", "stringlookup", "integerlookup", "hashing", "hashedcrossing"), _TEXT
    ),
    **dict.fromkeys(
        ("gaussiandropout", "gaussiannoise"), _NO_RANDOMNESS
    ),
    **dict.fromkeys(
        (
            "binaryfocalcrossentropy", "focalloss",
            "categoricalfocalcrossentropy", "meanabsolutepercentageerror", "mape", "logcosh",
            "meansquaredlogarithmicerror", "tversky", "dice", "diceloss", "squaredhinge",
            "categoricalhinge", "circle",
        ),
        _OTHER_LOSS,
    ),
    **FORMULAS,
}  # fmt: skip

_OURS = {
    theirs: ours
    for table in (FUNCTIONS, FOREIGN)
    for ours, names in table.items()
    for theirs in names.split()
}


def ours_of(name: str) -> str | None:
    """Give what we call what others call ``name``.

    >>> ours_of("AvgPool2d"), ours_of("Conv2DTranspose"), ours_of("relu")
    ('avg_pool', 'conv_transpose', None)
    """
    return _OURS.get(folded(name)) or _OURS.get(undimensioned(name))


def misspelt(name: str, known: Collection[str]) -> str | None:
    """Give what we call what others call by a name much like ``name``.

    >>> misspelt("nll_los", ["nll"]), misspelt("nll_los", ["mse"])
    ('nll', None)
    """
    there = {theirs: ours for theirs, ours in _OURS.items() if ours in known}
    near = nearest(folded(name), there)
    return there[near] if near is not None else None


def advice_for(name: str) -> str | None:
    """Give what to do instead of calling ``name``."""
    return ADVICE.get(folded(name)) or ADVICE.get(undimensioned(name))


def folded(name: str) -> str:
    """Write a name in small letters without underscores."""
    return name.lower().replace("_", "")


def undimensioned(name: str) -> str:
    """Leave out how many axes a layer of other frameworks works on, and when it learns its size.

    >>> undimensioned("LazyConv2d"), undimensioned("Conv3DTranspose")
    ('conv', 'convtranspose')
    """
    return re.sub(r"[123]d(?=transpose$|withindices$|$)", "", folded(name)).removeprefix("lazy")
