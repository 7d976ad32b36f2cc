"""Programs for images: their classes, and images like them."""

from __future__ import annotations

from math import ceil

from netlang.api.templates.inspection import Masks, Pictures
from netlang.api.templates.tables import Names
from netlang.diagnostics.errors import InputError

_LARGEST, _SMALLEST = 96, 16
_FEW_IMAGES = 1000
_EXAMPLES, _MOST_EPOCHS = 5000, 100
"""How many examples a net is trained on, if that takes no more than some epochs."""


def classes_of_pictures(names: Names, found: Pictures | None, valid: str | None) -> str:
    """Return a program that predicts the class of an image; without a folder, of a digit."""
    if found is not None and len(found.classes) < 2:
        only = f"only one class, `{found.classes[0]}`" if found.classes else None
        raise InputError(
            f"{found.folder} has {only or 'no folder for each class'}",
            notes=["the classes are its folders, such as `cat` and `dog`"],
        )
    count = 10 if found is None else len(found.classes)
    shape, size = ("1, 8, 8", 8) if found is None else _shape(found)
    widths = "[32, 64]" if size < 2 * _SMALLEST else "[32, 64, 128]"
    epochs = 10 if found is None else _epochs(found.count, 10)
    batching = _batching(found, 0.8 if valid is None else 1.0)
    change = f"crop({size}, pad={max(1, size // 8)})"
    change = change if found is None else f"flip(), {change}"
    lines = [
        f"## Predicts the class of an image, one of {count}.",
        *_usage(names, "image", "photos/*.jpg", f"runs/{names.name}/model.safetensors"),
        "",
        "block conv_layer(x, out: int) =",
        "  x |> conv(out, 3, pad=1, bias=false) |> batch_norm |> relu |> max_pool(2)",
        "",
        f"net {names.net}(image: f32[N, {shape}]) -> logits: f32[N, {count}] {{",
        f"  body = for width in {widths} with h = image {{",
        "    next h = conv_layer(h, width)",
        "  }",
        f"  logits = mean(body, axis=[2, 3]) |> dropout(0.2) |> dense({count})",
        "}",
        "",
        f"train {names.name}(lr: float = 0.003) {{",
        *_examples(names, found, valid, size),
        "  # The images to train on are mirrored and shifted at random; those of `valid` stay as",
        "  # they are.",
        f"  data = rows |> map(image=[{change}]) |> batches({batching})",
        "  valid = rest |> batches(100)",
        "",
        f"  model = new {names.net}()",
        "  logits = model(batch.image)",
        "",
        "  loss = cross_entropy(logits, batch.label)",
        "  metrics = [accuracy(logits, batch.label)]",
        f"  optimizer = adam(lr |> cosine({epochs} epochs))",
        f"  run = {epochs} epochs",
        "}",
        "",
    ]
    return "\n".join(lines)


def _examples(names: Names, found: Pictures | None, valid: str | None, size: int) -> list[str]:
    if found is None:
        return ['  rows = digits("train")', '  rest = digits("test")']
    folder = f'image_folder("{names.path}", size={size})'
    if valid is not None:
        return [f"  rows = {folder}", f'  rest = image_folder("{valid}", size={size})']
    return [
        "  # Four fifths of the images, each class alike; the others are for tests.",
        f'  rows, rest = {folder} |> split(0.8, by="label", seed=0)',
    ]


def gan(names: Names, found: Pictures | None) -> str:
    """Return a program that makes images like those of a folder; without one, digits."""
    shape, size = ("1, 8, 8", 8) if found is None else ("3, 32, 32", 32)
    source = 'digits("train")' if found is None else f'image_folder("{names.path}", size={size})'
    epochs = 20 if found is None else _epochs(found.count, 20)
    lines = [
        "## A generator makes images from random numbers; a discriminator tells them from those of",
        "## the data, and each learns from the other (Goodfellow et al., 2014).",
        *_usage(
            names, "z", "random(seed=1)", f"runs/{names.name}/generator.safetensors", "Generator"
        ),
        "",
        *_generator_and_discriminator(shape, size),
        f"train {names.name}(lr: float = 2e-4) {{",
        "  # Pixels from -1 to 1, as the generator makes them.",
        f"  data = {source}",
        "    |> map(image=[rescale(-1.0, 1.0)])",
        f"    |> batches({_batching(found, 1.0)})",
        "",
        "  generator = new Generator()",
        "  discriminator = new Discriminator()",
        "  fake = generator(random_normal([N, 64]))",
        "  real = discriminator(batch.image)",
        "",
        "  # The discriminator learns that images of the data are real (1) and others are not (0).",
        "  step judging {",
        "    loss = bce_with_logits(real, 1.0) + bce_with_logits(discriminator(fake), 0.0)",
        "    update = [discriminator]",
        "    optimizer = adam(lr, beta1=0.5)",
        "  }",
        "",
        "  # The generator learns to make images that the discriminator takes for real.",
        "  step making {",
        "    loss = bce_with_logits(discriminator(fake), 1.0)",
        "    update = [generator]",
        "    optimizer = adam(lr, beta1=0.5)",
        "  }",
        "",
        f"  run = {epochs} epochs",
        "}",
        "",
    ]
    return "\n".join(lines)


def _generator_and_discriminator(shape: str, size: int) -> list[str]:
    """Return the nets for images of a shape, which are of some size."""
    start = size // 4
    first = f"[N, 128, {start}, {start}]"
    return [
        f"net Generator(z: f32[N, 64]) -> image: f32[N, {shape}] {{",
        f"  base = dense(z, {128 * start * start}, bias=false) |> reshape({first})",
        "  half = base |> batch_norm |> relu |> conv_transpose(64, 4, stride=2, pad=1, bias=false)",
        f"  full = half |> batch_norm |> relu |> conv_transpose({shape[0]}, 4, stride=2, pad=1)",
        "  image = tanh(full)",
        "}",
        "",
        f"net Discriminator(image: f32[N, {shape}]) -> logit: f32[N] {{",
        "  half = image |> conv(64, 4, stride=2, pad=1) |> leaky_relu(0.2)",
        "  quarter = half |> conv(128, 4, stride=2, pad=1) |> leaky_relu(0.2)",
        "  logit = flatten(quarter) |> dense(1) |> reshape([N])",
        "}",
        "",
    ]


def segmentation(names: Names, found: Masks) -> str:
    """Return a program that predicts the class of each pixel, by images and their masks."""
    size = max(_SMALLEST, min(_LARGEST, found.side // 8 * 8))
    count = max(2, len(found.values))
    plain = list(found.values) == list(range(len(found.values)))
    values = "" if plain else f", values=[{', '.join(map(str, found.values))}]"
    few = found.count < _FEW_IMAGES
    epochs = _epochs(found.count, 20)
    lines = [
        f"## Predicts the class of each pixel, one of {count} (U-Net, Ronneberger et al., 2015).",
        *_usage(
            names, "image", f"{names.path}/{found.images}", f"runs/{names.name}/model.safetensors"
        ),
        "",
        f"dataset {names.table} -> (image: f32[3, {size}, {size}], mask: i64[{size}, {size}]) {{",
        "  # `*` is the same in the names of an image and of its mask.",
        f'  image = pictures("{names.path}/{found.images}") |> resize({size})',
        f'  mask = masks("{names.path}/{found.masks}"{values}) |> resize({size})',
        "}",
        "",
        *_u_net(names.net, count),
        f"train {names.name}(lr: float = 0.003) {{",
        "  # Four fifths of the images; the others are for tests.",
        f"  rows, rest = {names.table}() |> split(0.8, seed=0)",
        "  # An image and its mask are flipped alike, at random.",
        '  data = rows |> together(["image", "mask"], [flip()])',
        f"    |> batches({8 if few else 16}, shuffle=true)",
        "  valid = rest |> batches(16)",
        "",
        f"  model = new {names.net}()",
        "  logits = model(batch.image)",
        "",
        "  loss = cross_entropy(logits, batch.mask, axis=1)",
        "  metrics = [accuracy(logits, batch.mask, axis=1), iou(logits, batch.mask, axis=1)]",
        f"  optimizer = adam(lr |> cosine({epochs} epochs))",
        f"  run = {epochs} epochs",
        "}",
        "",
    ]
    return "\n".join(lines).replace(" -o predictions.csv", " -o masks/", 1)


def _u_net(name: str, count: int) -> list[str]:
    """Return a net that scores ``count`` classes for each pixel."""
    return [
        "block conv_layer(x, out: int) =",
        "  x |> conv(out, 3, pad=1, bias=false) |> batch_norm |> relu",
        "",
        "block double(x, out: int) = x |> conv_layer(out) as first |> conv_layer(out) as second",
        "",
        f"net {name}(image: f32[N, 3, H, W]) -> logits: f32[N, {count}, H, W]",
        "  where H % 8 == 0, W % 8 == 0",
        "{",
        "  # Each level halves the image; on the way back, it is joined to what it was.",
        "  skips, deepest = for width in [16, 32, 64] with h = image {",
        "    level = double(h, width)",
        "    yield level",
        "    next h = max_pool(level, 2)",
        "  }",
        "  middle = double(deepest, 128)",
        "  merged = for skip, width in zip(reverse(skips), [64, 32, 16]) with h = middle {",
        "    grown = conv_transpose(h, width, 2, stride=2)",
        "    next h = double(concat([skip, grown], axis=1), width)",
        "  }",
        f"  logits = conv(merged, {count}, 1)",
        "}",
        "",
    ]


def _epochs(images: int, least: int) -> int:
    """Return after how many epochs a net has learned: few images take more of them."""
    return max(least, min(_MOST_EPOCHS, ceil(_EXAMPLES / max(images, 1))))


def _batching(found: Pictures | None, share: float) -> str:
    """Return the arguments of ``batches``; batch norm is spared a small last batch."""
    size = 16 if found is not None and found.count < _FEW_IMAGES else 64
    whole = found is None or found.count * share >= size
    return f"{size}, shuffle=true{', drop_last=true' if whole else ''}"


def _shape(found: Pictures) -> tuple[str, int]:
    size = max(_SMALLEST, min(_LARGEST, found.side // 8 * 8))
    return f"3, {size}, {size}", size


def _usage(names: Names, given: str, source: str, weights: str, net: str = "") -> list[str]:
    """Return the comments on what to do with a program."""
    own = f" {net} -b N=16" if net else ""
    output = "samples.png" if net else "predictions.csv"
    return [
        "##",
        f"## netlang data {names.name}.net -o sheet.png",
        f"## netlang train {names.name}.net",
        f"## netlang run {names.name}.net{own} -i '{given}={source}' -w {weights} -o {output}",
    ]
