"""What a sound goes through, in microseconds on one thread, beside librosa and SciPy on the same lengths: reading a WAV,
resampling, spectrograms. Each number is the least of several rounds; rounds of both sides take turns.

    bench/sound.py [BUILD]        needs NumPy and SciPy, librosa for its columns (MML_BENCH_VENV names an environment)
"""
import io
import os
import subprocess
import sys
import timeit

venv = os.environ.get("MML_BENCH_VENV")
if venv and not sys.prefix.startswith(os.path.realpath(venv)) and os.path.realpath(sys.prefix) != os.path.realpath(venv):
    os.execv(os.path.join(venv, "bin", "python"), [os.path.join(venv, "bin", "python"), *sys.argv])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np
from scipy import signal
from scipy.io import wavfile

try:
    import librosa
except ImportError:
    librosa = None

build = sys.argv[1] if len(sys.argv) > 1 else "build/release"
subprocess.run(["cmake", "--build", build, "--target", "bench_sound"], check=True, stdout=subprocess.DEVNULL)

n = np.arange(3 * 44100)
sound = np.sin(0.05 * n + 1e-6 * n * n).astype(np.float32)
three, one = sound[:48000], sound[:8000]
buffer = io.BytesIO()
wavfile.write(buffer, 16000, (three * 30000).astype(np.int16))


def read():
    buffer.seek(0)
    return wavfile.read(buffer)[1].astype(np.float32) / 32768


def density():
    return signal.spectrogram(three, 16000, nperseg=512, noverlap=353)


def magnitude(x, window, hop):
    return lambda: np.abs(librosa.stft(x, n_fft=window, hop_length=hop, center=False))


def resample(count, a, b):
    return lambda: librosa.resample(sound[:count], orig_sr=a, target_sr=b, res_type="soxr_hq")


peers = {"wav_3s_16000": ("SciPy", read), "stft_3s_512_159_density": ("SciPy", density)}
if librosa:
    peers |= {"resample_44100_16000": ("librosa (soxr_hq)", resample(132300, 44100, 16000)),
              "resample_16000_22050": ("librosa (soxr_hq)", resample(48000, 16000, 22050)),
              "resample_16000_8000": ("librosa (soxr_hq)", resample(48000, 16000, 8000)),
              "stft_1s_256_126_magnitude": ("librosa", magnitude(one, 256, 126)),
              "stft_3s_509_159_magnitude": ("librosa", magnitude(three, 509, 159))}
ours, theirs = {}, {}
for _ in range(3):
    for line in subprocess.run([f"{build}/bench/bench_sound"], check=True, capture_output=True, text=True).stdout.splitlines():
        name, value = line.split()
        ours[name] = min(ours.get(name, 1e30), float(value))
    for name, (_, run) in peers.items():
        run()
        theirs[name] = min(theirs.get(name, 1e30), 1e6 * min(timeit.repeat(run, number=3, repeat=5)) / 3)
for name, value in ours.items():
    peer = f"{peers[name][0]} {theirs[name]:10.1f}   {theirs[name] / value:6.2f} x" if name in peers else ""
    print(f"{name:28} {value:10.1f}   {peer}")
