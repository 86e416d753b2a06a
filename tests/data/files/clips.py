"""Writes clips.npz: 24 clips of 3 frames of 1 x 6 x 6 bytes, two classes.

    python clips.py FOLDER        needs NumPy

picture is each clip's first frame; label 1 brightens the upper half of every frame.
"""
import sys
import numpy as np

rng = np.random.default_rng(11)
label = np.arange(24) % 2
clip = rng.integers(0, 120, (24, 3, 1, 6, 6))
clip[label == 1, :, :, :3] += 120
np.savez_compressed(f"{sys.argv[1]}/clips.npz", clip=clip.astype("u1"), picture=clip[:, 0].astype("u1"), label=label.astype("u1"))
