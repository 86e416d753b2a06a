"""Writes spectrograms.json: what scipy and numpy make of a sound, for tests/data/sound.c.

Run with scipy and numpy: python spectrograms.py. The sound is the formula `sound` below, in single precision,
which the test computes too.
"""
import json
import numpy as np
from scipy import signal

RATE = 8000
n = np.arange(240)
sound = (0.1 + 0.5 * np.sin(2 * np.pi * 440 * n / RATE) + 0.25 * np.cos(2 * np.pi * 1730 * n / RATE + 1)
         + 1e-3 * n).astype(np.float32).astype(np.float64)


def scipy_spectrogram(length, hop, **more):
    _, _, s = signal.spectrogram(sound, RATE, nperseg=length, noverlap=length - hop, **more)
    return s


def centred(window, hop):
    """librosa.stft's definition since 0.10 (center, zeros beyond both ends), by numpy."""
    padded = np.pad(sound, window // 2)
    taper = signal.get_window("hann", window)
    frames = [np.fft.rfft(taper * padded[t:t + window]) for t in range(0, len(sound) + 1, hop)]
    return np.abs(np.array(frames)).T


# The program's words, then the values [frequencies, frames].
cases = [
    ("scipy's own choices", dict(window=32, hop=9, taper="tukey", detrend="constant", power="density"), scipy_spectrogram(32, 9)),
    ("magnitudes", dict(window=32, hop=11, taper="hann", detrend="none", power="magnitude"),
     scipy_spectrogram(32, 11, window="hann", detrend=False, scaling="spectrum", mode="magnitude")
     * signal.get_window("hann", 32).sum()),
    ("an odd window", dict(window=45, hop=30, taper="hann", detrend="constant", power="density"), scipy_spectrogram(45, 30, window="hann")),
    ("a window of a large prime", dict(window=53, hop=40, taper="tukey", detrend="none", power="density"),
     scipy_spectrogram(53, 40, detrend=False)),
    ("twice a large prime", dict(window=118, hop=50, taper="hann", detrend="none", power="density"),
     scipy_spectrogram(118, 50, window="hann", detrend=False)),
    ("centred", dict(window=32, hop=24, taper="hann", center=True, detrend="none", power="magnitude"), centred(32, 24)),
]
with open("spectrograms.json", "w") as file:
    json.dump([dict(about=about, **words, values=[[float(f"{v:.9g}") for v in row] for row in np.asarray(values)])
               for about, words, values in cases], file, separators=(",", ":"))
    file.write("\n")
