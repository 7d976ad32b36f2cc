"""Rules about files, options and the machine: mistakes that are in no program."""

from __future__ import annotations

from netlang.rules.rule import Rule

RULES = (
    Rule(
        "no-such-file",
        "A file that is named is there.",
        """
        Paths on the command line start at the folder you are in. No file of this name is there.
        """,
        "`netlang check lennet.net`, where there is only `lenet.net`",
        "`netlang check lenet.net`",
        program=False,
    ),
    Rule(
        "not-a-file",
        "A file is an ordinary file.",
        """
        Only regular files are opened. A pipe or a device could keep the command waiting for ever,
        and a folder holds no text.
        """,
        "`netlang check examples`",
        "`netlang check examples/*.net`",
        program=False,
    ),
    Rule(
        "unreadable-file",
        "A program can be read.",
        """
        The file is there, and the system refuses to open it. Its reason is in the note.
        """,
        "a program that belongs to another user and is private",
        "the same program after `chmod +r`",
        program=False,
    ),
    Rule(
        "not-text",
        "A program is UTF-8 text.",
        """
        A program is text in UTF-8. What other kinds of files look like is recognised by their
        first bytes, so that a model or a picture given in the wrong place is named as such.
        """,
        "`netlang check model.onnx`, or a program saved as UTF-16",
        "`netlang check model.net`, saved as UTF-8",
        program=False,
    ),
    Rule(
        "cannot-read",
        "Weights and data can be read.",
        """
        The system refuses to open the file. Its reason follows the name.
        """,
        "`--weights` with a path that doesn't exist",
        "`--weights lenet.safetensors`, in the folder where it is",
        program=False,
    ),
    Rule(
        "cannot-write",
        "Results can be written.",
        """
        Results are written to a new file beside the target, which takes its place only when it is
        complete. So a full disk or a missing folder leaves nothing half-written.
        """,
        "`-o models/lenet.onnx`, where there is no folder `models`",
        "`-o lenet.onnx`, or the folder made first",
        program=False,
    ),
    Rule(
        "bad-file",
        "A file is what it claims to be.",
        """
        Arrays, archives and weights are checked before anything is loaded: lengths, shapes, types
        and check sums must agree with what is in the file. A file that was cut off while it was
        copied ends here, and so does one made to harm. Pickled objects are never read, since
        reading one can run code.
        """,
        "a `.npy` file whose header promises more numbers than the file has",
        "the file as `numpy.save(path, array, allow_pickle=False)` wrote it",
        program=False,
    ),
    Rule(
        "bad-input",
        "An array fits the signature of the net.",
        """
        The signature says the name, the element type and the shape of each input. A dimension
        with a name takes any size, the same one everywhere; nothing is converted silently.
        """,
        "an array of shape (28, 28) for `image: f32[N, 1, 28, 28]`",
        "an array of shape (1, 1, 28, 28) and type float32",
        program=False,
    ),
    Rule(
        "bad-weights",
        "Weights fit the net they are for.",
        """
        Every weight of a net must be in the file, with its name, shape and element type, and
        nothing else; nothing is loaded in part. `netlang names FILE --diff WEIGHTS` lists what
        differs.
        """,
        "the weights of a net with 10 classes for one with 37",
        "weights saved from this net",
        program=False,
    ),
    Rule(
        "unknown-format",
        "A file has a format that is read or written here.",
        """
        The ending of a path chooses its format. The message lists the ones there are.
        """,
        "`-o result.txt`",
        "`-o result.npz`",
        program=False,
    ),
    Rule(
        "several-outputs",
        "A `.npy` file holds one array.",
        "A `.npy` file holds one array. Several go into an `.npz`, each under its name.",
        "`-o result.npy` for a net with the outputs `boxes` and `scores`",
        "`-o result.npz`",
        program=False,
    ),
    Rule(
        "output-is-input",
        "A result does not replace what it is made from.",
        """
        A command never writes over a file it reads. Otherwise a slip in a path would cost the
        program it was made from.
        """,
        "`netlang compile lenet.net -o lenet.net`",
        "`netlang compile lenet.net -o lenet.onnx`",
        program=False,
    ),
    Rule(
        "which-net",
        "Where a file has several nets, one is named.",
        """
        With one net in a file its name may be left out. With several, the command can't know
        which one is meant.
        """,
        "`netlang summary resnet.net`, which has five nets",
        "`netlang summary resnet.net ResNet50`",
        program=False,
    ),
    Rule(
        "unknown-net",
        "A net that is named is in the file.",
        """
        Names of nets start with a capital, and capitals count. The message lists the nets the
        file has.
        """,
        "`netlang summary resnet.net resnet50`",
        "`netlang summary resnet.net ResNet50`",
        program=False,
    ),
    Rule(
        "unknown-size",
        "A size or parameter that is bound belongs to the net.",
        """
        `--bind` fixes a dimension with a name, such as `H`, or a parameter of the net, such as
        `classes`. The message lists what this net has.
        """,
        "`--bind height=224` for a net over `f32[N, 3, H, W]`",
        "`--bind H=224`",
        program=False,
    ),
    Rule(
        "unknown-output",
        "An output that is named belongs to the net.",
        """
        The outputs are the names after `->` in the signature of the net. With `--only` the
        others, and all that only they need, are left out.
        """,
        "`--only logit` for a net `-> logits: f32[N, 10]`",
        "`--only logits`",
        program=False,
    ),
    Rule(
        "bad-value",
        "A value given on the command line fits its parameter.",
        """
        `--bind` and `--set` take a value as the program would write it: `classes=10`, `lr=0.01`.
        It is checked against the type in the signature like any other argument.
        """,
        "`--set lr=fast` for `train mlp(lr: float = 0.1)`",
        "`--set lr=0.01`",
        program=False,
    ),
    Rule(
        "which-section",
        "Where a file has several train sections, one is named.",
        """
        With one train section in a file its name may be left out. With several, the command can't
        know which one is meant.
        """,
        "`netlang train finetune.net`, which has two train sections",
        "`netlang train finetune.net head`",
        program=False,
    ),
    Rule(
        "unknown-section",
        "A train section that is named is in the file.",
        """
        The name after `train` in the file is the name of the section. The message lists the ones
        the file has.
        """,
        "`netlang train lenet.net lennet`",
        "`netlang train lenet.net lenet`",
        program=False,
    ),
    Rule(
        "vocabulary-missing",
        "Text needs the vocabulary it was trained with.",
        """
        A network reads numbers and not words. Which number stands for which word was settled in
        training and saved beside the weights; another order would make nonsense of every sentence.
        """,
        "text given to a net without the vocabulary of its training",
        "the same with `--vocab vocab.txt`",
        program=False,
    ),
    Rule(
        "bad-checkpoint",
        "A checkpoint is whole, and of the program that goes on with it.",
        """
        A checkpoint holds the weights, the state of the optimizer and how far the run has come,
        with check sums. One that was cut off or belongs to another program is refused; the one
        before it is kept for this case.
        """,
        "a run continued with `--resume` after its program was changed",
        "a run continued with the program it was started with",
        program=False,
    ),
    Rule(
        "nothing-to-train",
        "A step changes some weight.",
        """
        The loss depends on no weight that may change: all are frozen, or the model is not used in
        the loss. Training would run and do nothing.
        """,
        "`freeze = [model]`, where `model` is all there is",
        "`freeze = [model.stem]`",
        program=False,
    ),
    Rule(
        "precision",
        "A precision is one that training can use.",
        """
        Weights and steps are f32, or with `precision = "f64"` everything the program calls f32 is
        computed in f64. Such a run starts from the weights of one in f32, rounds nothing between
        its steps and keeps f64 in its checkpoints; the weights it saves for the net are f32 again,
        as the net declares them. `--backend numpy` computes any net in f64. onnxruntime has only
        some operators in it, and where one is missing, the run says so and does not begin.

        In f16 what is smaller than 6e-8 is 0, as many gradients are unless the loss is scaled; in
        bf16 processors and onnxruntime compute few operators. Both are refused rather than half
        supported.
        """,
        '`precision = "f16"`',
        '`precision = "f64"`, or the section without `precision`',
        program=False,
    ),
    Rule(
        "not-finite",
        "A loss stays finite.",
        """
        Once a number is infinite or undefined, every weight soon is, so training stops at the
        step where it happens. Mostly the learning rate is too high, or a logarithm or a division
        meets 0.
        """,
        "a run with `sgd(1000.0)`",
        "the same with `sgd(0.1)` and `clip = clip_norm(1.0)`",
        program=False,
    ),
    Rule(
        "unknown-layer",
        "A layer that is named is in the net.",
        """
        A layer is named by the bindings it stands in, joined by points, as its weights are:
        `stage2.1.a`. `netlang summary` and `netlang names` list them.
        """,
        "`netlang explain lenet.net conv1`",
        "`netlang explain lenet.net c1`",
        program=False,
    ),
    Rule(
        "unknown-thing",
        "What is to be explained has a page.",
        """
        Rules, layers, ops and operators have a page under their name. So has every layer of a
        file.
        """,
        "`netlang explain convolution`",
        "`netlang explain conv`",
        program=False,
    ),
    Rule(
        "unknown-pass",
        "A pass that is named exists.",
        """
        `netlang show --after` stops behind one of the passes. The message lists them.
        """,
        "`--after folding`",
        "`--after fold-batch-norm`",
        program=False,
    ),
    Rule(
        "unknown-opset",
        "An opset is one that can be written.",
        """
        An opset is a version of ONNX's operators. Other tools may ask for an older one than the
        one chosen without the option.
        """,
        "`--opset 9`",
        "`--opset 17`",
        program=False,
    ),
    Rule(
        "free-size",
        "A size that is needed as a number has one.",
        """
        What is asked for needs a number where the net has a name that no input explains. Fix it
        with `--bind`.
        """,
        "a model whose output depends on a size no input has",
        "the same with that size given by `--bind`",
        program=False,
    ),
    Rule(
        "provider-missing",
        "The hardware that is asked for is there.",
        """
        What computes is never changed silently: who asks for CUDA gets CUDA or this message.
        `--provider auto` takes the best there is.
        """,
        "`--provider cuda` on a machine without a graphics card",
        "`--provider auto`",
        program=False,
    ),
    Rule(
        "run-failed",
        "onnxruntime runs what it is given.",
        """
        The model passed our own checks and onnxruntime still could not run it: an operator it
        lacks, or the machine ran out of something. What it said is repeated, with the place in
        the program where there is one.
        """,
        "an `extern op` of another domain that onnxruntime doesn't know",
        "the same net run with the library that provides the operator",
        program=False,
    ),
    Rule(
        "missing-library",
        "What a command needs is installed.",
        """
        Checking a program needs little. Running and compiling need the libraries the message
        names.
        """,
        "`netlang compile` without the package onnx",
        "the same after `pip install onnx`",
        program=False,
    ),
    Rule(
        "library-version",
        "What a command needs is installed in a version it knows.",
        """
        The libraries that read weights and compute change with time. Each is used from the
        version on that has all it must have, up to its next major number, where anything may
        change. A run time also knows ONNX's operators up to some opset, and no later one.
        """,
        "`netlang run` with onnxruntime 1.15",
        "the same after `pip install --upgrade onnxruntime`",
        program=False,
    ),
    Rule(
        "pillow-missing",
        "Pictures need Pillow.",
        """
        Pictures are optional, and so is the library that reads them. Arrays in `.npy` files need
        none.
        """,
        "`--input image=cat.png` without the package Pillow",
        "the same after `pip install pillow`",
        program=False,
    ),
    Rule(
        "mistakes",
        "A program is compiled and run without mistakes.",
        """
        What has mistakes is not compiled or run. `netlang check FILE` shows them all.
        """,
        "`netlang compile` of a program that doesn't pass `netlang check`",
        "the same when the check passes",
        program=False,
    ),
    Rule(
        "usage",
        "A command is used as its help says.",
        """
        An option or an argument is not one the command takes. `netlang COMMAND --help` shows
        those it does, with examples.
        """,
        "`netlang check --stict lenet.net`",
        "`netlang check --strict lenet.net`",
        program=False,
    ),
    Rule(
        "system",
        "The system does what it is asked.",
        """
        The system refused something the command needs. The reason is the system's own: a full
        disk, a missing permission, a lost connection.
        """,
        "writing to a disk that is full",
        "the same with room on the disk",
        program=False,
    ),
    Rule(
        "internal",
        "netlang has no mistakes of its own.",
        """
        Your file may be right or wrong; either way netlang should have known. Please report the
        command and the file. With `NETLANG_DEBUG=1` in the environment the details are printed.
        """,
        "any program at which netlang stumbles",
        "the same program with the next release",
        program=False,
    ),
)
