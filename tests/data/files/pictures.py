"""Writes the pictures in this folder's pictures/ and what PIL makes of them.

    python pictures.py FOLDER        needs NumPy and Pillow

For each NAME there is NAME.rgb: height and width as two bytes, then the pixels as
bytes [height, width, 3] that convert("RGB") gives. Two are worked out here instead,
since PIL cuts 16 bits off at 255 and can't write interlaced files: those are scaled
to 8 bits, and laid out by Adam7 by hand.
"""
import io
import struct
import sys
import zlib
import numpy as np
from PIL import Image

folder = sys.argv[1]
rng = np.random.default_rng(7)
H, W = 11, 13
y, x = np.mgrid[0:H, 0:W]
smooth = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x + y) * 255 // (H + W - 2)], -1).astype("u1")
noise = rng.integers(0, 256, (H, W, 3)).astype("u1")


def keep(name, data, pixels):
    open(f"{folder}/{name}", "wb").write(data)
    h, w, _ = pixels.shape
    open(f"{folder}/{name}.rgb", "wb").write(bytes([h, w]) + pixels.astype("u1").tobytes())


def by_pil(name, image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    keep(name, out.getvalue(), np.asarray(Image.open(io.BytesIO(out.getvalue())).convert("RGB")))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, interlaced, rows):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


rgb = Image.fromarray(noise)
by_pil("rgb.png", rgb, "PNG")
by_pil("rgba.png", Image.fromarray(np.dstack([noise, noise[..., 0]])), "PNG")
by_pil("gray.png", Image.fromarray(noise[..., 0]), "PNG")
by_pil("gray_alpha.png", Image.fromarray(noise[..., 0]).convert("LA"), "PNG")
by_pil("palette.png", rgb.quantize(16), "PNG")
by_pil("transparent_palette.png", rgb.quantize(8), "PNG", transparency=3)
by_pil("one_bit.png", Image.fromarray(noise[..., 0] > 127), "PNG")

wide = rng.integers(0, 65536, (H, W, 3))
keep("sixteen.png", png(W, H, 16, 2, 0, b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)), np.round(wide / 257))

passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
rows = b"".join(b"\0" + row.tobytes() for top, left, down, across in passes for row in noise[top::down, left::across] if row.size)
keep("interlaced.png", png(W, H, 8, 2, 1, rows), noise)

by_pil("rgb.jpg", Image.fromarray(smooth), "JPEG", quality=90)
by_pil("progressive.jpg", Image.fromarray(smooth), "JPEG", progressive=True, quality=90)
by_pil("gray.jpg", Image.fromarray(smooth[..., 2]), "JPEG", quality=90)
by_pil("cmyk.jpg", Image.fromarray(np.dstack([smooth, smooth[::-1, :, 1] // 2])).convert("RGB").convert("CMYK"), "JPEG", quality=90)
exif = Image.Exif()
exif[0x0112] = 6                     # to be turned by 90 degrees; neither reader does
by_pil("turned.jpg", Image.fromarray(smooth), "JPEG", exif=exif, quality=90)
by_pil("jpeg_named.png", Image.fromarray(smooth), "JPEG", quality=90)
