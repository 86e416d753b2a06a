# ResNet-18's weights go to torchvision (strict = True, once the prefix is off) and come
# from there (--init, a stage's load), and both give the same outputs in evaluation
# mode. Needs torch, torchvision and safetensors in the environment MML_BENCH_VENV.
. "$(dirname "$0")/lib.sh"

python=${MML_BENCH_VENV:+$MML_BENCH_VENV/bin/python}
if ! { [ -n "$python" ] && "$python" -c 'import torch, torchvision, safetensors' 2>/dev/null; }; then
    skip "torchvision is not there (MML_BENCH_VENV names no environment with it)"
    finish
fi

cat >photo.mml <<'P'
use encoders
data photos = npz("photos.npz", test = every(3, 2))
modality photo : image[3, 64, 64] {
  input   = photos.image
  encoder = resnet18()
}
target kind : class[512] = photos.label
fusion = concat -> linear(classes)
train {
  batch     = 8
  optimizer = sgd(lr = 1e-3, momentum = 0.9)
  stage joint { epochs = 2 }
}
P
sed 's/stage joint {/stage joint { load = "torch.safetensors";/' photo.mml >loaded.mml
sed 's/stage joint {/stage joint { load = each(photo = "run\/last.safetensors");/' photo.mml >each.mml

# A ResNet-18 with running statistics from 20 batches of channels that differ, and a last layer
# that hands the 512 features through, so that they are the logits.
cat >make.py <<'P'
import numpy as np, torch, torchvision
from safetensors.torch import save_file
torch.manual_seed(3)
rng = np.random.default_rng(3)
x = rng.normal(size=(48, 3, 64, 64)) * np.array([1, .5, 2])[:, None, None] + np.array([.2, -1, .5])[:, None, None]
x = x.astype("f4")
np.savez("photos.npz", image=x, label=np.arange(48) % 7)
model = torchvision.models.resnet18()
model.fc = torch.nn.Identity()
for layer in model.modules():
    if isinstance(layer, torch.nn.BatchNorm2d):
        torch.nn.init.uniform_(layer.weight, .5, 1.5)
        torch.nn.init.normal_(layer.bias, std=.1)
model.train()
with torch.no_grad():
    for i in range(20):
        model(torch.tensor(x[i * 8 % 40:i * 8 % 40 + 8]))
state = model.state_dict()
save_file(state, "plain.safetensors")
tensors = {"encoder.photo." + name: tensor for name, tensor in state.items()}
tensors |= {"fusion.weight": torch.eye(512), "fusion.bias": torch.zeros(512)}
save_file(tensors, "torch.safetensors")
tensors["encoder.photo.conv1.weight"] = torch.zeros(64, 1, 7, 7)
del tensors["encoder.photo.bn1.running_mean"]
save_file(tensors, "other.safetensors")
P

# compare.py WEIGHTS PREDICTIONS: torchvision's log probabilities of the test rows beside ours.
cat >compare.py <<'P'
import sys, numpy as np, torch, torchvision
from safetensors.torch import load_file
tensors = load_file(sys.argv[1])
prefix = "encoder.photo."
model = torchvision.models.resnet18()
model.fc = torch.nn.Identity()
model.load_state_dict({k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}, strict=True)
model.eval()
with torch.no_grad():
    features = model(torch.tensor(np.load("photos.npz")["image"][2::3])).double()
logits = features @ tensors["fusion.weight"].double().T + tensors["fusion.bias"].double()
ours = torch.log(torch.tensor(np.loadtxt(sys.argv[2], delimiter=",", skiprows=1)[:, 2:]))
difference = (ours - logits.log_softmax(1)).abs().max().item() / logits.abs().max().item()
statistics = tensors[prefix + "layer4.1.bn2.running_var"]
print(f"largest difference / largest output = {difference:.2e}")
assert difference <= 1e-4 and statistics.std() > 1e-3
P

check "a ResNet-18 of torchvision" "$python" make.py
for name in photo loaded each; do check "mmlc $name" "$MMLC" "$name.mml" -o "$name"; done
./photo --init torch.safetensors --set train.joint.epochs=0 --predict from.csv --out from >from.out 2>&1
check "--init takes torchvision's 100 tensors" grep -q '102 tensors loaded, 2 not in the file, 0 of another shape, 0 of the file unused' from.out
check "outputs of torchvision's weights agree" "$python" compare.py torch.safetensors from.csv
grep -h largest check.log
./photo --init other.safetensors --set train.joint.epochs=0 --out other >other.out 2>&1
check "--init tells what does not match" grep -Eq '100 tensors loaded, 3 not in the file, 1 of another shape|conv1.weight .*in the file it is \[64, 1, 7, 7\]' other.out
check "--init names a tensor that is missing" grep -q 'bn1.running_mean \[64\]: not in the file, stays as initialised' other.out
fails_with "--init of names without the prefix says which to put in front" 3 "with 'encoder.photo.' in front of their names" ./photo --init plain.safetensors --set train.joint.epochs=0 --out plain
check "a run of two epochs"   ./photo --out run --predict run.csv --quiet
check "our trained weights load into torchvision, outputs agree" "$python" compare.py run/last.safetensors run.csv
grep -h largest check.log
./loaded --set train.joint.optimizer.lr=1e-30 --set train.joint.epochs=1 --out loaded-run --predict loaded.csv >loaded.out 2>&1
check "a stage loads torchvision's file and tells what was not in it" grep -q 'photo from torch.safetensors (100 tensors loaded, 2 not in the file, 0 of another shape)' loaded.out
./each --set train.joint.epochs=1 --out each-run >each.out 2>&1
check "a stage loads one modality from a run" grep -q 'photo from run/last.safetensors (102 tensors loaded, 0 not in the file' each.out
finish
