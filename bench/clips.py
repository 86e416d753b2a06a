"""Makes clips, times the trainer's loading and torchvision's. See bench/clips."""
import argparse, glob, os, resource, shutil, subprocess, time
import numpy as np
import torch
import torchvision.transforms as T
from PIL import Image

HOME = os.path.join("build", "bench-clips")
CLIPS, FRAMES = 80, 3
PROGRAM = """
data clips = folder("%s")
modality view : video[3, 3, 224, 224] {
  input   = clips.frames -> frames(3, pick = random) -> random_resized_crop(224) -> flip -> normalize(imagenet)
  encoder = each(avgpool -> flatten) -> mean -> linear(4)
}
target kind : class[2] = clips.label
fusion = concat -> linear(classes)
train {
  batch     = 16
  optimizer = sgd(lr = 1e-3)
  stage joint { epochs = 5 }
}
"""


# Smooth pictures with some noise, of a camera's size as JPEG (30 KB).
def make_clips(folder):
    random = np.random.default_rng(1)
    for clip in range(CLIPS):
        name = f"{folder}/{'ab'[clip % 2]}/{clip:03d}"
        os.makedirs(name)
        for frame in range(FRAMES):
            small = Image.fromarray(random.integers(0, 256, (15, 20, 3), np.uint8)).resize((480, 360), Image.BICUBIC)
            noisy = np.clip(np.asarray(small, np.int16) + random.integers(-8, 9, (360, 480, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(f"{name}/{frame:05d}.jpg", quality=95)


def seconds_of(trainer, epochs):
    out = f"{HOME}/run"
    shutil.rmtree(out, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([trainer, "--threads", "1", "--set", f"train.joint.epochs={epochs}", "--out", out, "--quiet"], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def cpu(run):
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def main():
    options = argparse.ArgumentParser()
    options.add_argument("mmlc")
    options.add_argument("--rounds", type=int, default=3)
    o = options.parse_args()
    folder = os.path.abspath(f"{HOME}/clips")
    if not os.path.exists(folder):
        make_clips(folder)
    with open(f"{HOME}/clips.mml", "w") as f:
        f.write(PROGRAM % folder)
    trainer = f"{HOME}/trainer"
    subprocess.run([o.mmlc, f"{HOME}/clips.mml", "-o", trainer], check=True)
    torch.set_num_threads(1)
    theirs = T.Compose([T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize([.485, .456, .406], [.229, .224, .225])])
    files, count = sorted(glob.glob(f"{folder}/*/*/*.jpg")), CLIPS * FRAMES
    rows = {"MML, loading": [], "MML, start with decoding": [], "torchvision": [], "PIL, decoding": []}
    for _ in range(o.rounds):
        one, five = seconds_of(trainer, 1), seconds_of(trainer, 5)
        decode, pictures = cpu(lambda: [Image.open(name).convert("RGB") for name in files])
        transform, _ = cpu(lambda: [theirs(picture) for picture in pictures])
        for name, seconds in zip(rows, ((five - one) / 4, one - (five - one) / 4, transform, decode)):
            rows[name].append(1e3 * seconds / count)
    for name, times in rows.items():
        print(f"{name:26s} {min(times):6.2f} ms a frame")
    print(f"{'ratio of transforms':26s} {min(rows['torchvision']) / min(rows['MML, loading']):6.2f}")


main()
