"""Small versions of well-known networks in PyTorch, as they are usually written."""

# pyright: basic, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class Bottleneck(nn.Module):
    def __init__(self, i, w, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(i, w, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(w)
        self.conv2 = nn.Conv2d(w, w, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(w)
        self.conv3 = nn.Conv2d(w, 4 * w, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * w)
        self.relu = nn.ReLU()
        self.downsample = (
            nn.Sequential(nn.Conv2d(i, 4 * w, 1, stride, bias=False), nn.BatchNorm2d(4 * w))
            if stride != 1 or i != 4 * w
            else None
        )

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, depths=(3, 4, 6, 3), base=64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, base, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        i = base
        for k, d in enumerate(depths):
            layers = []
            for j in range(d):
                layers.append(Bottleneck(i, base * 2**k, 2 if j == 0 and k else 1))
                i = 4 * base * 2**k
            setattr(self, f"layer{k + 1}", nn.Sequential(*layers))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(i, 1000 if base == 64 else 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for k in range(1, 5):
            x = getattr(self, f"layer{k}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class ViTBlock(nn.Module):
    def __init__(self, d, h, m):
        super().__init__()
        self.ln_1 = nn.LayerNorm(d, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(d, h, batch_first=True)
        self.ln_2 = nn.LayerNorm(d, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(d, m), nn.GELU(), nn.Dropout(0), nn.Linear(m, d))

    def forward(self, x):
        y = self.ln_1(x)
        y, _ = self.self_attention(y, y, y, need_weights=False)
        x = x + y
        return x + self.mlp(self.ln_2(x))


class ViT(nn.Module):
    def __init__(self, img=224, p=16, d=768, h=12, m=3072, n=12, c=1000):
        super().__init__()
        self.conv_proj = nn.Conv2d(3, d, p, p)
        self.class_token = nn.Parameter(torch.randn(1, 1, d) * 0.02)
        self.pos = nn.Parameter(torch.randn(1, (img // p) ** 2 + 1, d) * 0.02)
        self.layers = nn.Sequential(*[ViTBlock(d, h, m) for _ in range(n)])
        self.ln = nn.LayerNorm(d, eps=1e-6)
        self.head = nn.Linear(d, c)

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.pos
        return self.head(self.ln(self.layers(x))[:, 0])


class TimmAttention(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)

    def forward(self, x):
        batch, steps, width = x.shape
        q, k, v = (
            self.qkv(x)
            .reshape(batch, steps, 3, self.h, width // self.h)
            .permute(2, 0, 3, 1, 4)
            .unbind(0)
        )
        a = (q @ k.transpose(-2, -1) * (width // self.h) ** -0.5).softmax(-1)
        return self.proj((a @ v).transpose(1, 2).reshape(batch, steps, width))


class GPTBlock(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.ln1 = nn.LayerNorm(d)
        self.attn = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.ln2 = nn.LayerNorm(d)
        self.fc = nn.Linear(d, 4 * d)
        self.out = nn.Linear(4 * d, d)
        self.h = h
        self.register_buffer("mask", torch.tril(torch.ones(64, 64)).bool()[None, None])

    def forward(self, x):
        batch, steps, width = x.shape
        q, k, v = [
            t.view(batch, steps, self.h, width // self.h).transpose(1, 2)
            for t in self.attn(self.ln1(x)).split(width, 2)
        ]
        a = q @ k.transpose(-2, -1) / math.sqrt(width // self.h)
        a = a.masked_fill(~self.mask[:, :, :steps, :steps], -1e9).softmax(-1)
        x = x + self.proj((a @ v).transpose(1, 2).contiguous().view(batch, steps, width))
        return x + self.out(F.gelu(self.fc(self.ln2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, d=32, h=4, n=3, v=50):
        super().__init__()
        self.wte = nn.Embedding(v, d)
        self.wpe = nn.Embedding(64, d)
        self.h = nn.ModuleList([GPTBlock(d, h) for _ in range(n)])
        self.lnf = nn.LayerNorm(d)
        self.head = nn.Linear(d, v, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for b in self.h:
            x = b(x)
        return self.head(self.lnf(x))


class RNNs(nn.Module):
    def __init__(self, kind, bi, layers=2):
        super().__init__()
        self.rnn = getattr(nn, kind)(8, 16, layers, batch_first=True, bidirectional=bi)
        self.fc = nn.Linear(32 if bi else 16, 5)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.fc(y[:, -1])


class DenseLayer(nn.Module):
    def __init__(self, i, g):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(i)
        self.conv1 = nn.Conv2d(i, 4 * g, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * g)
        self.conv2 = nn.Conv2d(4 * g, g, 3, padding=1, bias=False)

    def forward(self, fs):
        x = torch.cat(fs, 1)
        return self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))


class DenseNet(nn.Module):
    def __init__(self, g=8, blocks=(3, 4)):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        i = 16
        self.blocks = nn.ModuleList()
        self.tr = nn.ModuleList()
        for b in blocks:
            self.blocks.append(nn.ModuleList([DenseLayer(i + g * k, g) for k in range(b)]))
            i += g * b
            self.tr.append(
                nn.Sequential(
                    nn.BatchNorm2d(i),
                    nn.ReLU(),
                    nn.Conv2d(i, i // 2, 1, bias=False),
                    nn.AvgPool2d(2),
                )
            )
            i //= 2
        self.fc = nn.Linear(i, 10)

    def forward(self, x):
        x = self.conv0(x)
        for b, t in zip(self.blocks, self.tr, strict=True):
            fs = [x]
            for layer in b:
                fs.append(layer(fs))
            x = t(torch.cat(fs, 1))
        return self.fc(x.mean((2, 3)))


class SE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1 = nn.Conv2d(c, c // 4, 1)
        self.fc2 = nn.Conv2d(c // 4, c, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class MB(nn.Module):
    def __init__(self, i, e, o, st, act, se=False):
        super().__init__()
        self.use = st == 1 and i == o
        layers = (
            [
                nn.Conv2d(i, e, 1, bias=False),
                nn.BatchNorm2d(e),
                act(),
                nn.Conv2d(e, e, 3, st, 1, groups=e, bias=False),
                nn.BatchNorm2d(e),
                act(),
            ]
            + ([SE(e)] if se else [])
            + [nn.Conv2d(e, o, 1, bias=False), nn.BatchNorm2d(o)]
        )
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        y = self.conv(x)
        return x + y if self.use else y


def mobilenet(act, se):
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1, bias=False),
        nn.BatchNorm2d(16),
        act(),
        MB(16, 96, 24, 2, act, se),
        MB(24, 144, 24, 1, act, se),
        MB(24, 144, 24, 1, act, se),
        MB(24, 144, 32, 2, act, se),
        MB(32, 192, 32, 1, act, se),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(32, 10),
    )


class Inc(nn.Module):
    def __init__(self, i, a, b1, b, c1, c, d):
        super().__init__()

        def cv(i, o, k):
            return nn.Sequential(
                nn.Conv2d(i, o, k, padding=k // 2, bias=False),
                nn.BatchNorm2d(o, eps=0.001),
                nn.ReLU(),
            )

        self.branch1 = cv(i, a, 1)
        self.branch2 = nn.Sequential(cv(i, b1, 1), cv(b1, b, 3))
        self.branch3 = nn.Sequential(cv(i, c1, 1), cv(c1, c, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), cv(i, d, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


def googlenet():
    return nn.Sequential(
        nn.Conv2d(3, 16, 7, 2, 3),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Inc(16, 8, 8, 16, 4, 8, 8),
        Inc(40, 16, 12, 16, 4, 8, 8),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Inc(48, 16, 12, 16, 4, 8, 8),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(48, 10),
    )


class DC(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(i, o, 3, padding=1),
            nn.BatchNorm2d(o),
            nn.ReLU(),
            nn.Conv2d(o, o, 3, padding=1),
            nn.BatchNorm2d(o),
            nn.ReLU(),
        )

    def forward(self, x):
        return self.net(x)


class UNet(nn.Module):
    def __init__(self, bil=False):
        super().__init__()
        self.d = nn.ModuleList([DC(3, 8), DC(8, 16), DC(16, 32)])
        self.b = DC(32, 64)
        self.bil = bil
        self.up = nn.ModuleList(
            [
                nn.ConvTranspose2d(64, 32, 2, 2),
                nn.ConvTranspose2d(32, 16, 2, 2),
                nn.ConvTranspose2d(16, 8, 2, 2),
            ]
        )
        self.u = nn.ModuleList([DC(64, 32), DC(32, 16), DC(16, 8)])
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        sk = []
        for d in self.d:
            x = d(x)
            sk.append(x)
            x = F.max_pool2d(x, 2)
        x = self.b(x)
        for up, u in zip(self.up, self.u, strict=True):
            x = u(torch.cat([sk.pop(), up(x)], 1))
        return self.out(x)


def vgg():
    layers = []
    i = 3
    for o in (16, "M", 32, "M", 64, 64, "M"):
        if o == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU()]
            i = o
    return nn.Sequential(
        *layers,
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(1024, 64),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(64, 10),
        nn.Softmax(1),
    )


class CNBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.dw = nn.Conv2d(d, d, 7, padding=3, groups=d)
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self.p1 = nn.Linear(d, 4 * d)
        self.p2 = nn.Linear(4 * d, d)
        self.gamma = nn.Parameter(torch.full((d,), 0.3))

    def forward(self, x):
        y = self.dw(x).permute(0, 2, 3, 1)
        y = self.gamma * self.p2(F.gelu(self.p1(self.norm(y))))
        return x + y.permute(0, 3, 1, 2)


def convnext():
    return nn.Sequential(
        nn.Conv2d(3, 16, 4, 4),
        CNBlock(16),
        CNBlock(16),
        CNBlock(16),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


class Shuffle(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.b = nn.Sequential(
            nn.Conv2d(c // 2, c // 2, 1, bias=False),
            nn.BatchNorm2d(c // 2),
            nn.ReLU(),
            nn.Conv2d(c // 2, c // 2, 3, 1, 1, groups=c // 2, bias=False),
            nn.BatchNorm2d(c // 2),
        )

    def forward(self, x):
        a, b = x.chunk(2, 1)
        y = torch.cat([a, self.b(b)], 1)
        batch, width, height, across = y.shape
        return (
            y.view(batch, 2, width // 2, height, across)
            .transpose(1, 2)
            .reshape(batch, width, height, across)
        )


def shuffle():
    return nn.Sequential(
        nn.Conv2d(3, 24, 3, 2, 1),
        Shuffle(24),
        Shuffle(24),
        Shuffle(24),
        nn.Conv2d(24, 32, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


class Enc(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 3, enable_nested_tensor=False
        )

    def forward(self, x):
        return self.e(x)


class Dec(nn.Module):
    def __init__(self):
        super().__init__()
        self.d = nn.TransformerDecoder(nn.TransformerDecoderLayer(32, 4, 64, batch_first=True), 3)

    def forward(self, x, memory):
        return self.d(x, memory)


def alexnet():
    return nn.Sequential(
        nn.Conv2d(3, 16, 11, 4, 2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(16, 32, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(32, 48, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(48, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(32, 64),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(64, 10),
    )


class SwinBlock(nn.Module):
    def __init__(self, d, h, shift, window=4, side=8):
        super().__init__()
        self.h, self.shift, self.w = h, shift, window
        self.norm1 = nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, h) * 0.1)
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij"))
        apart = (at.flatten(1)[:, :, None] - at.flatten(1)[:, None]).permute(1, 2, 0) + window - 1
        self.register_buffer("index", apart[..., 0] * (2 * window - 1) + apart[..., 1])
        self.norm2 = nn.LayerNorm(d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        region = torch.zeros(1, side, side, 1)
        for k, rows in enumerate((slice(0, -window), slice(-window, -2), slice(-2, None))):
            for m, columns in enumerate((slice(0, -window), slice(-window, -2), slice(-2, None))):
                region[:, rows, columns] = 3 * k + m
        region = self.windows(region).squeeze(-1)
        mask = region[:, None] - region[:, :, None]
        self.register_buffer("mask", torch.where(mask != 0, -100.0, 0.0)[:, None])

    def windows(self, x):
        n, height, width, c = x.shape
        x = x.view(n, height // self.w, self.w, width // self.w, self.w, c)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, self.w * self.w, c)

    def attend(self, x):
        n, steps, width = x.shape
        q, k, v = (
            self.qkv(x)
            .reshape(n, steps, 3, self.h, width // self.h)
            .permute(2, 0, 3, 1, 4)
            .unbind(0)
        )
        a = (q * (width // self.h) ** -0.5) @ k.transpose(-2, -1)
        bias = self.table[self.index.view(-1)].view(steps, steps, -1).permute(2, 0, 1)  # pyright: ignore[reportCallIssue]
        a = a + bias[None]
        if self.shift:
            count = self.mask.shape[0]
            a = a.view(-1, count, self.h, steps, steps) + self.mask[None]
            a = a.view(-1, self.h, steps, steps)
        return self.proj((a.softmax(-1) @ v).transpose(1, 2).reshape(n, steps, width))

    def forward(self, x):
        _, height, width, c = x.shape
        y = self.norm1(x)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = self.attend(self.windows(y))
        y = y.view(-1, height // self.w, width // self.w, self.w, self.w, c)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, c)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.patch = nn.Conv2d(3, d, 4, 4)
        self.norm = nn.LayerNorm(d)
        self.stage1 = nn.Sequential(SwinBlock(d, 2, 0), SwinBlock(d, 2, 2))
        self.merge_norm = nn.LayerNorm(4 * d)
        self.reduction = nn.Linear(4 * d, 2 * d, bias=False)
        self.stage2 = nn.Sequential(SwinBlock(2 * d, 4, 0, side=4))
        self.head = nn.Linear(2 * d, 10)

    def forward(self, x):
        x = self.stage1(self.norm(self.patch(x).permute(0, 2, 3, 1)))
        parts = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        x = self.reduction(self.merge_norm(torch.cat(parts, -1)))
        return self.head(self.stage2(x).mean((1, 2)))


class BERTLayer(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.query, self.key, self.value = (nn.Linear(d, d) for _ in range(3))
        self.dense = nn.Linear(d, d)
        self.norm1 = nn.LayerNorm(d, eps=1e-12)
        self.intermediate = nn.Linear(d, 4 * d)
        self.output = nn.Linear(4 * d, d)
        self.norm2 = nn.LayerNorm(d, eps=1e-12)

    def heads(self, x):
        return x.view(x.size(0), x.size(1), self.h, -1).permute(0, 2, 1, 3)

    def forward(self, x, mask):
        q, k, v = (self.heads(part(x)) for part in (self.query, self.key, self.value))
        a = q @ k.transpose(-1, -2) / math.sqrt(q.size(-1)) + mask
        y = (a.softmax(-1) @ v).permute(0, 2, 1, 3).contiguous()
        y = y.view(y.size(0), y.size(1), -1)
        x = self.norm1(self.dense(y) + x)
        return self.norm2(self.output(F.gelu(self.intermediate(x))) + x)


class BERT(nn.Module):
    def __init__(self, d=32, h=4, n=3, v=50):
        super().__init__()
        self.word = nn.Embedding(v, d)
        self.position = nn.Embedding(64, d)
        self.kind = nn.Embedding(2, d)
        self.norm = nn.LayerNorm(d, eps=1e-12)
        self.layer = nn.ModuleList([BERTLayer(d, h) for _ in range(n)])
        self.pooler = nn.Linear(d, d)

    def forward(self, ids, attention_mask, token_type_ids):
        at = torch.arange(ids.size(1)).unsqueeze(0)
        x = self.norm(self.word(ids) + self.position(at) + self.kind(token_type_ids))
        mask = (1.0 - attention_mask[:, None, None, :].float()) * -10000.0
        for layer in self.layer:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class Translation(nn.Module):
    def __init__(self, d=32, v=40):
        super().__init__()
        self.source, self.target = nn.Embedding(v, d), nn.Embedding(v, d)
        self.transformer = nn.Transformer(d, 4, 2, 2, 64, batch_first=True, dropout=0.0)
        self.generator = nn.Linear(d, v)

    def forward(self, source, target):
        steps = target.shape[1]
        later = torch.triu(torch.ones(steps, steps), diagonal=1).bool()
        padding = source == 0
        y = self.transformer(
            self.source(source), self.target(target), tgt_mask=later,
            src_key_padding_mask=padding, memory_key_padding_mask=padding,
        )  # fmt: skip
        return self.generator(y)


class Twins(nn.Module):
    """One tower with batch norms for two images."""

    def __init__(self):
        super().__init__()
        self.tower = DC(3, 8)
        self.fc = nn.Linear(8, 4)

    def forward(self, left, right):
        one, other = (self.fc(self.tower(x).mean((2, 3))) for x in (left, right))
        return (one - other).abs().sum(1)
