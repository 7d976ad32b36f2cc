"""The names of PyTorch, Keras, JAX and ONNX lead to ours.

Tests ``netlang.advice``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.advice.tables import definitions
from netlang.diagnostics.suggestions import folded
from netlang.evaluate.calls.unknown import advice
from netlang.evaluate.modules.families import with_lists
from netlang.manual.pages import public
from netlang.program import load
from netlang.syntax.keywords import RESERVED

TORCH = """
AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveLogSoftmaxWithLoss AdaptiveMaxPool1d
AdaptiveMaxPool2d AdaptiveMaxPool3d AlphaDropout AvgPool1d AvgPool2d AvgPool3d BCELoss
BCEWithLogitsLoss BatchNorm1d BatchNorm2d BatchNorm3d Bilinear CELU CTCLoss ChannelShuffle
CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d Conv1d Conv2d
Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d CosineEmbeddingLoss CosineSimilarity
CrossEntropyLoss CrossMapLRN2d Dropout Dropout1d Dropout2d Dropout3d ELU Embedding EmbeddingBag
FeatureAlphaDropout Flatten Fold FractionalMaxPool2d FractionalMaxPool3d GELU GLU GRU GRUCell
GaussianNLLLoss GroupNorm Hardshrink Hardsigmoid Hardswish Hardtanh HingeEmbeddingLoss HuberLoss
Identity InstanceNorm1d InstanceNorm2d InstanceNorm3d KLDivLoss L1Loss LPPool1d LPPool2d LPPool3d
LSTM LSTMCell LayerNorm LazyBatchNorm1d LazyConv2d LazyConvTranspose3d LazyInstanceNorm2d
LazyLinear LeakyReLU Linear LinearCrossEntropyLoss LocalResponseNorm LogSigmoid LogSoftmax MSELoss
MarginRankingLoss MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish
ModuleDict ModuleList MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss
MultiheadAttention NLLLoss PReLU PairwiseDistance ParameterDict ParameterList PixelShuffle
PixelUnshuffle PoissonNLLLoss RMSNorm RNN RNNCell RReLU ReLU ReLU6 ReflectionPad1d ReflectionPad2d
ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d SELU Sequential SiLU Sigmoid
SmoothL1Loss SoftMarginLoss Softmax Softmax2d Softmin Softplus Softshrink Softsign SyncBatchNorm
Tanh Tanhshrink Threshold Transformer TransformerDecoder TransformerDecoderLayer
TransformerEncoder TransformerEncoderLayer TripletMarginLoss TripletMarginWithDistanceLoss
Unflatten Unfold Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d ZeroPad2d ZeroPad3d
DataParallel LazyConv1d
"""
KERAS = """
Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D
BatchNormalization Bidirectional CategoryEncoding Concatenate Conv1D Conv1DTranspose Conv2D
Conv2DTranspose Conv3D Conv3DTranspose Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D
DepthwiseConv2D Dot Dropout ELU Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise
GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling2D GroupNormalization Input LSTM
LSTMCell Lambda LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum
Minimum MultiHeadAttention Multiply PReLU Permute RMSNormalization RNN ReLU RepeatVector Reshape
Resizing SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D
SpatialDropout2D Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
ZeroPadding1D ZeroPadding2D ZeroPadding3D
ActivityRegularization AdditiveAttention CategoricalFocalCrossentropy CategoricalHinge Circle
ConvLSTM1D ConvLSTM2D
Dice EinsumDense GroupQueryAttention HashedCrossing Hashing InputLayer IntegerLookup LogCosh
MeanAbsolutePercentageError MeanSquaredLogarithmicError Normalization RandomZoom Rescaling
Solarization SpectralNormalization SquaredHinge StackedRNNCells StringLookup TextVectorization
ThresholdedReLU Tversky
"""
TENSORS = """
absolute addbmm addcdiv addcmul addmm allclose aminmax angle arange arccos arctan2 argwhere
atleast_1d baddbmm bernoulli bincount bitwise_and bucketize cholesky clone column_stack conj
copysign count_nonzero cov cross cummax cumprod deg2rad det detach diag diag_embed diagonal diff
digamma dist dstack empty_like erfc erfinv fft fix fliplr float_power floor_divide fmax full_like
grid_sample gumbel_softmax heaviside histogram hsplit hypot index_add inverse isclose isfinite isnan
kron kthvalue linspace logspace masked_fill masked_select median meshgrid multinomial mv nan_to_num
nanmean narrow negative nonzero numel ones_like quantile rad2deg rand randn remainder renorm rot90
rsub scaled_dot_product_attention searchsorted select_scatter signbit sinc slice_scatter std_mean
stft svd tensordot trace tril_indices true_divide unique unravel_index vander view_as xlogy
zeros_like numpy requires_grad
RandAugment CutMix RandomGrayscale Discretization MelSpectrogram JaxLayer Parameter Buffer
max_pool2d_with_indices squareplus sparsemax
MatMul Gemm And Where Hardmax TopK expand_dims jit vmap
"""
PUBLIC = public()
OPERATORS = "+ - * / @ ** % -x 1..n"


@pytest.mark.parametrize("name", sorted({*TORCH.split(), *KERAS.split(), *TENSORS.split()}))
def test_the_name_of_a_layer_elsewhere_leads_to_ours(name: str, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.net"
    path.write_text(f"net Elsewhere(x: f32[N, 3, 8, 8]) -> y {{\n  y = {name}(x)\n}}\n")
    (found,) = load(path).diagnostics.items
    assert found.rule.code == "unknown-name"
    (told,) = found.helps
    if told in map(with_lists, definitions().advice.values()):
        return
    named = told.split("`")[1]
    assert named in PUBLIC or named in OPERATORS.split() or named in RESERVED
    assert told.startswith("netlang calls this") or folded(named) == folded(name)


def test_a_list_of_alternatives_comes_from_the_prelude() -> None:
    listed = (
        "`sgd`, `adagrad`, `rmsprop`, `adadelta`, `adam`, `adamw`, `adamax`, `radam`, `lion` "
        "or `lamb`"
    )
    assert advice("ftrl", []) == (
        (),
        (f"there is no such optimizer: use {listed}",),
        None,
    )


def helps(call: str, folder: Path) -> tuple[str, ...]:
    """Return the help for the one error in a call."""
    path = folder / "call.net"
    path.write_text(f"net Call(x: f32[N, 4, 8, 8]) -> y = x |> {call}\n")
    (found,) = load(path).diagnostics.items
    return found.helps


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("conv(8, 3, padding=1)", "netlang calls this `pad`"),
        (
            'conv(8, 3, padding_mode="reflect")',
            'pad the input first: `pad([(1, 1), (1, 1)], mode="reflect")`',
        ),
        ("conv_transpose(8, 3, output_padding=1)", "netlang calls this `out_pad`"),
        ("max_pool(2, return_indices=true)", "`max_pool_indices` returns the indices, too"),
        (
            "batch_norm(affine=false)",
            "set each of them: `scale=` for the factor, `shift=` for the offset",
        ),
        ("dense(units=8)", "netlang calls this `out`"),
        ('upsample(size=20, mode="nearest")', "`resize` takes the output size"),
        ("hardtanh(min_val=-1.0)", "netlang calls this `low`"),
        ("softplus(threshold=20.0)", "leave it out: large numbers are exact without it"),
        ("threshold(threshold=0.1, value=2.0)", "netlang calls this `limit`"),
        ("reshape(-1, 4)", "write `reshape([-1, 4])`"),
        ("tile(1, 2, 1, 1)", "write `tile([1, 2, 1, 1])`"),
    ],
)
def test_the_parameters_of_layers_elsewhere_lead_to_ours(
    call: str, told: str, tmp_path: Path
) -> None:
    assert helps(call, tmp_path) == (told,)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("rectifer", "did you mean `relu`?"),
        ("maxpoling(2)", "did you mean `max_pool`?"),
        ("fulyconnected(8)", "did you mean `dense`?"),
        ("conv(8, 3, paddding=1)", "did you mean `pad`?"),
        ("conv(8, 3, dilaton_rate=2)", "did you mean `dilation`?"),
    ],
)
def test_a_name_elsewhere_may_be_misspelled(call: str, told: str, tmp_path: Path) -> None:
    assert helps(call, tmp_path) == (told,)
