"""Functions that a generated module defines where it needs them."""

from __future__ import annotations

from collections.abc import Mapping

_REVERSE_TIME = '''
def reverse_time(x, length):
    """Reverse the first `length` steps of each sequence; its padding stays at the end."""
    steps = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
    last = length.unsqueeze(1) - 1
    order = torch.where(steps <= last, last - steps, steps)
    return x.gather(1, order.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
'''

_PAD_SAME = '''
def pad_same(x, kernel, stride, dilation=1):
    """Pad so that a convolution returns one position for each `stride` positions."""
    sizes = x.shape[2:]
    each = [[n] * len(sizes) if isinstance(n, int) else n for n in (kernel, stride, dilation)]
    amounts = []
    for size, k, s, d in reversed(list(zip(sizes, *each))):
        total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        amounts += [total // 2, total - total // 2]
    return F.pad(x, amounts)
'''

_RESPONSE_NORM_WITHIN = '''
def response_norm_within(x, size, alpha, beta, k):
    """Divide by a power of the mean square of the neighbors in the same channel."""
    pool = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}[x.dim()]
    return x / (k + alpha * pool(x**2, size, 1, size // 2)) ** beta
'''

_BILINEAR = '''
@torch.no_grad()
def bilinear_kernel_(weight):
    """Fill each kernel of a transposed convolution with a linear interpolation."""
    kernel = torch.ones(())
    for size in weight.shape[2:]:
        half = (size + 1) // 2
        middle = half - 1 if size % 2 else half - 0.5
        kernel = kernel.unsqueeze(-1) * (1 - (torch.arange(size) - middle).abs() / half)
    weight.copy_(kernel.expand_as(weight))
'''

_LAYER = '''
def {name}(x, weight_ih, weight_hh, bias_ih, bias_hh, h0=None, length=None, reverse=False):
    """Run {what} over sequences [N, T, D].

    Beyond `length`, the output is 0 and the state does not change.
    """
    if reverse:
        x = x.flip(1) if length is None else reverse_time(x, length)
    h = x.new_zeros(x.shape[0], weight_hh.shape[1]) if h0 is None else h0
    weights = [weight_ih, weight_hh, bias_ih, bias_hh]
    if length is None:
        y, h = torch.{name}(x, h.unsqueeze(0), weights, True, 1, 0.0, False, False, True)
        return y.flip(1) if reverse else y, h.squeeze(0)
    outputs = []
    for t, xt in enumerate(x.unbind(1)):
        on = (t < length).unsqueeze(1)
        h = torch.where(on, torch.{name}_cell(xt, h, *weights), h)
        outputs.append(torch.where(on, h, 0.0))
    y = torch.stack(outputs, dim=1)
    return reverse_time(y, length) if reverse else y, h
'''

_LSTM = '''
def lstm(x, weight_ih, weight_hh, bias_ih, bias_hh, h0=None, c0=None, length=None, reverse=False):
    """Run a layer of long short-term memory over sequences [N, T, D].

    Beyond `length`, the output is 0 and the states do not change.
    """
    if reverse:
        x = x.flip(1) if length is None else reverse_time(x, length)
    zeros = x.new_zeros(x.shape[0], weight_hh.shape[1])
    h = zeros if h0 is None else h0
    c = zeros if c0 is None else c0
    weights = [weight_ih, weight_hh, bias_ih, bias_hh]
    if length is None:
        states = [h.unsqueeze(0), c.unsqueeze(0)]
        y, h, c = torch.lstm(x, states, weights, True, 1, 0.0, False, False, True)
        return y.flip(1) if reverse else y, h.squeeze(0), c.squeeze(0)
    outputs = []
    for t, xt in enumerate(x.unbind(1)):
        on = (t < length).unsqueeze(1)
        h1, c1 = torch.lstm_cell(xt, [h, c], *weights)
        h, c = torch.where(on, h1, h), torch.where(on, c1, c)
        outputs.append(torch.where(on, h, 0.0))
    y = torch.stack(outputs, dim=1)
    return reverse_time(y, length) if reverse else y, h, c
'''


HELPERS: Mapping[str, str] = {
    "reverse_time": _REVERSE_TIME,
    "pad_same": _PAD_SAME,
    "bilinear_kernel_": _BILINEAR,
    "response_norm_within": _RESPONSE_NORM_WITHIN,
    "rnn_tanh": _LAYER.replace("{name}", "rnn_tanh").replace("{what}", "a plain recurrent layer"),
    "rnn_relu": _LAYER.replace("{name}", "rnn_relu").replace("{what}", "a plain recurrent layer"),
    "gru": _LAYER.replace("{name}", "gru").replace("{what}", "a layer of gated recurrent units"),
    "lstm": _LSTM,
}
"""The text of each helper, by its name."""

USES: Mapping[str, tuple[str, ...]] = {
    name: ("reverse_time",) for name, source in HELPERS.items() if "else reverse_time(" in source
}
"""The helpers that a helper calls."""
