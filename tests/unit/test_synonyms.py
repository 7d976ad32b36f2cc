"""Whoever writes the name of a layer of PyTorch or Keras is led to ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.elaborate.library import FOLDER
from netlang.elaborate.synonyms import ADVICE, FOREIGN
from netlang.program import load
from netlang.syntax.parser import split_definitions
from netlang.syntax.reader import read_source

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
PRELUDE = {name for file in FOLDER.glob("*.net") for name in split_definitions(read_source(file))}


@pytest.mark.parametrize("name", sorted({*TORCH.split(), *KERAS.split()}))
def test_the_name_of_a_foreign_layer_leads_to_ours(name: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.net"
    path.write_text(f"net Foreign(x: f32[N, 3, 8, 8]) -> y {{\n  y = {name}(x)\n}}\n")
    (found,) = load(path).diagnostics.items
    assert found.rule == "unknown-name"
    (told,) = found.helps
    if told in ADVICE.values():
        return
    named = told.split("`")[1]
    assert named in PRELUDE or named in ["+", "-", "*", "/", "@", "**"]
    assert told.startswith("netlang calls this") or same(named, name)


def same(ours: str, theirs: str) -> bool:
    return ours.replace("_", "") == theirs.lower()


def test_every_name_of_ours_in_the_table_exists() -> None:
    ours = {name for name in FOREIGN if not name.startswith("`")}
    assert ours - PRELUDE == set()


def test_every_foreign_name_leads_to_one_of_ours() -> None:
    theirs = [name for names in FOREIGN.values() for name in names.split()]
    assert len(theirs) == len(set(theirs))
