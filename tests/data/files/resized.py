"""Writes resized.rgb: pictures/rgb.png at three sizes by PIL's bilinear filter with antialiasing.

    python resized.py FOLDER        needs NumPy and Pillow

Each is its height and width as two bytes, then the pixels as bytes [height, width, 3].
"""
import sys
import numpy as np
from PIL import Image

picture = Image.open(f"{sys.argv[1]}/pictures/rgb.png").convert("RGB")
with open(f"{sys.argv[1]}/resized.rgb", "wb") as out:
    for height, width in ((5, 7), (17, 20), (4, 30)):
        out.write(bytes([height, width]) + np.asarray(picture.resize((width, height), Image.BILINEAR)).tobytes())
