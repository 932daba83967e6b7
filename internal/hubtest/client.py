"""What huggingface_hub does with the test server, and with a cache that mq wrote.

usage: client.py CACHE_TO_FILL CACHE_OF_MQ FOLDER_TO_UPLOAD   (huggingface_hub 1.29 or later)
"""
import os
import sys

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

theirs, ours, upload = sys.argv[1:4]


def content(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder).replace(os.sep, "/")] = f.read()
    return found


want = content(upload)
got = content(snapshot_download("org/model", cache_dir=theirs))
assert got == want, (sorted(got), sorted(want))

before = os.environ.pop("HF_ENDPOINT")
kept = content(snapshot_download("org/model", cache_dir=ours, local_files_only=True))
assert kept == want, sorted(kept)
os.environ["HF_ENDPOINT"] = before

for name, revision, file, error in [
    ("org/absent", None, "config.json", RepositoryNotFoundError),
    ("org/model", "nothing", "config.json", RevisionNotFoundError),
    ("org/model", None, "absent.json", EntryNotFoundError),
]:
    try:
        hf_hub_download(name, file, revision=revision, cache_dir=theirs)
    except error:
        continue
    raise AssertionError(f"{name} {revision} {file}: no {error.__name__}")
try:
    hf_hub_download("org/gated", "config.json", cache_dir=theirs, token=False)
except GatedRepoError:
    pass
else:
    raise AssertionError("a gated repository was read without a token")

api = HfApi()
info = api.model_info("org/model", files_metadata=True)
assert {s.rfilename: s.size for s in info.siblings} == {name: len(data) for name, data in want.items()}
api.create_repo("tester/pushed", exist_ok=True)
api.upload_folder(repo_id="tester/pushed", folder_path=upload, commit_message="pushed")
print("ok", sorted(want))
