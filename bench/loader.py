"""Makes data, trains each case and prints what of a step was waiting (load_seconds of metrics.jsonl). See bench/loader."""
import argparse, gzip, json, os, shutil, subprocess
import numpy as np
from PIL import Image

HOME = os.path.join("build", "bench-loader")
DATA = os.path.join(HOME, "data")
IMAGES, PHOTOS, ROWS = 1920, 320, 20000

SMALL = """
modality a : image[1, 28, 28] { input = %(gray)s
  encoder = cnn4() -> linear(64) }
modality b : image[3, 28, 28] { input = %(color)s
  encoder = cnn4() -> linear(64) }
"""
PHOTO = """
modality a : image[1, %(side)d, %(side)d] { input = d.image -> %(step)s -> gray -> scale(1 / 255)
  encoder = %(encoder)s }
modality b : image[3, %(side)d, %(side)d] { input = d.image -> %(step)s -> scale(1 / 255)
  encoder = %(encoder)s }
"""
CASES = {
    "idx": ("IDX, colorize: two small CNNs, batch 64", 64, 'data d = idx("{data}")' + SMALL % {
        "gray": "d.image -> scale(1 / 255)",
        "color": "d.image -> scale(1 / 255) -> colorize(by = d.label, jitter = 0.03, train = correlated, test = random)"}),
    "container": ("Colored MNIST: two small CNNs, batch 64", 64, 'data d = colored_mnist("{data}", "colored.npy")' + SMALL % {
        "gray": "d.gray -> scale(1 / 255) -> normalize(mean = [0.1307], std = [0.3081])",
        "color": "d.color -> scale(1 / 255) -> normalize(mean = [0.49, 0.48, 0.45], std = [0.2, 0.2, 0.2])"}),
    "csv": ("CSV, 76 + 47 columns: MLPs, batch 32", 32, """
data d = csv("{data}/a.csv", "{data}/b.csv", label = last, test = every(10, 9))
modality a : vector[76] { input = d.a -> normalize(train)
  encoder = linear(64) -> relu -> linear(64) }
modality b : vector[47] { input = d.b -> normalize(train)
  encoder = linear(64) -> relu -> linear(64) }
"""),
    "resize": ("JPEG 320 x 256, resize(64): two small CNNs, batch 32", 32, 'data d = folder("{data}/photos", test = 10 %)' + PHOTO % {
        "side": 64, "step": "resize(64, 64)", "encoder": "cnn4() -> linear(64)"}),
    "crop_cnn": ("JPEG 320 x 256, random_resized_crop(64): two small CNNs, batch 32", 32,
                 'data d = folder("{data}/photos", test = 10 %)' + PHOTO % {
                     "side": 64, "step": "random_resized_crop(64) -> flip()", "encoder": "cnn4() -> linear(64)"}),
    "crop": ("JPEG 320 x 256, random_resized_crop(224): two ResNet-18, batch 8", 8,
             'data d = folder("{data}/photos", limit = 32, test = 10 %)' + PHOTO % {
                 "side": 224, "step": "random_resized_crop(224) -> flip()", "encoder": "resnet18()"}),
}
REST = """
target kind : class[10] = d.label
fusion = concat -> linear(classes)
train {
  batch = %d
  optimizer = sgd(lr = 1e-3, momentum = 0.9)
  stage joint { epochs = %d }
}
"""

# ---- Data ----

def write_idx(path, magic, array):
    with gzip.open(path, "wb", 1) as f:
        f.write(magic.to_bytes(4, "big") + b"".join(int(n).to_bytes(4, "big") for n in array.shape) + array.tobytes())


def make_images(random):
    for name, count in (("train", IMAGES), ("t10k", 640)):
        write_idx(f"{DATA}/{name}-images-idx3-ubyte.gz", 0x803, random.integers(0, 256, (count, 28, 28), np.uint8))
        write_idx(f"{DATA}/{name}-labels-idx1-ubyte.gz", 0x801, (np.arange(count) % 10).astype(np.uint8))
    container = {}
    for name, count in (("train", IMAGES), ("test", 640)):
        container[f"{name}_image"] = random.integers(0, 256, (count, 28, 28, 3), np.uint8)
        container[f"{name}_label"] = np.arange(count) % 10
    np.save(f"{DATA}/colored.npy", np.array(container, dtype=object), allow_pickle=True)


def make_tables(random):
    for name, width in (("a", 76), ("b", 47)):
        values = np.column_stack([random.normal(size=(ROWS, width)), np.arange(ROWS) % 10])
        np.savetxt(f"{DATA}/{name}.csv", values, delimiter=",", fmt=["%.6g"] * width + ["%d"],
                   header=",".join(f"c{i}" for i in range(width)) + ",label", comments="")


# Smooth pictures with some noise: JPEG files of about a photo's size (30 KB).
def make_photos(random):
    for i in range(PHOTOS):
        folder = f"{DATA}/photos/{i % 10}"
        os.makedirs(folder, exist_ok=True)
        small = Image.fromarray(random.integers(0, 256, (16, 20, 3), np.uint8)).resize((320, 256), Image.BICUBIC)
        noisy = np.clip(np.asarray(small, np.int16) + random.integers(-12, 13, (256, 320, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(f"{folder}/{i:05d}.jpg", quality=90)


def make_data():
    if os.path.exists(f"{DATA}/ready"):
        return
    shutil.rmtree(DATA, ignore_errors=True)
    os.makedirs(DATA)
    random = np.random.default_rng(1)
    make_images(random)
    make_tables(random)
    make_photos(random)
    open(f"{DATA}/ready", "w").close()

# ---- Runs ----

def compile_case(mmlc, name, epochs, folder):
    os.makedirs(folder, exist_ok=True)
    _, batch, program = CASES[name]
    with open(f"{folder}/{name}.mml", "w") as f:
        f.write("use encoders, policies, methods\n" + program.replace("{data}", os.path.abspath(DATA)) + REST % (batch, epochs))
    subprocess.run([mmlc, f"{folder}/{name}.mml", "-o", f"{folder}/{name}"], check=True)


def run(program, arguments):
    """Of the last epoch's train pass: seconds and seconds waited a step (None: the trainer doesn't tell); seconds of reading data."""
    out = f"{HOME}/run"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([program, "--out", out, "--quiet", *arguments], check=True)
    lines = [json.loads(line) for line in open(f"{out}/metrics.jsonl")]
    last = [line for line in lines if line["split"] == "train"][-1]
    steps = -(-last["samples"] // CASES[os.path.basename(program)][1])
    waited = last.get("load_seconds")
    return last["seconds"] / steps, None if waited is None else waited / steps, json.load(open(f"{out}/summary.json"))["seconds"]["data"]


def show(name, what, step, waited, data):
    share = "" if waited is None else f"   waiting {1e3 * waited:7.3f} ms  {100 * waited / step:5.1f} %"
    print(f"{CASES[name][0] if not what else '  ' + what:68s} {1e3 * step:8.3f} ms a step{share}   start {data:5.2f} s", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("mmlc")
    options.add_argument("--cases", default=",".join(CASES))
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--threads", default="2")
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--other")
    options.add_argument("--cached", action="store_true")
    o = options.parse_args()
    make_data()
    for name in o.cases.split(","):
        folder = f"{HOME}/trainers"
        compile_case(o.mmlc, name, o.epochs, folder)
        variants = {"": (f"{folder}/{name}", [])}
        if o.other:
            compile_case(o.other, name, o.epochs, f"{HOME}/others")
            variants["the other mmlc's"] = (f"{HOME}/others/{name}", [])
        if o.cached:
            variants["--cache"] = (f"{folder}/{name}", ["--cache", f"{HOME}/cache"])
        best = {}
        for _ in range(o.rounds):
            for what, (program, more) in variants.items():
                result = run(program, ["--threads", o.threads, *more])
                if what not in best or result[0] < best[what][0]:
                    best[what] = result
        for what, result in best.items():
            show(name, what, *result)


main()
