"""What docs/scaling.md and docs/scaling/ tell people to give to Slurm, Kubernetes and Ray."""

import copy
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from patchword.cli.main import app

ROOT = Path(__file__).parents[1]
PAGE, FOLDER = ROOT / "docs" / "scaling.md", ROOT / "docs" / "scaling"
SCRIPTS = sorted([*FOLDER.glob("*.sh"), *FOLDER.glob("*.sbatch")])
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
# The oldest that has all fields, and the newest that the package knows.
KUBERNETES = ("1.31", "1.37")
# KubeRay's RayJob, as far as ours goes: api types v1 of its releases 1.4 and later. Its pods are Kubernetes' own.
RAY_JOB = {
    "": {"apiVersion", "kind", "metadata", "spec"},
    "spec": {"entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"},
    "rayClusterSpec": {"rayVersion", "headGroupSpec", "workerGroupSpecs"},
    "headGroupSpec": {"rayStartParams", "template"},
    "workerGroupSpecs": {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"},
}


def documents(path: Path) -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml")
    return [each for each in yaml.safe_load_all(path.read_text("utf-8")) if each]


def validate(document: dict[str, Any], version: str) -> None:
    """Against Kubernetes' own schema; fields that it does not know are refused."""
    package = pytest.importorskip("kubernetes_validate")
    if document["apiVersion"] != "ray.io/v1":
        package.validate(document, version, strict=True)
        return
    cluster = document["spec"]["rayClusterSpec"]
    groups = [("headGroupSpec", cluster["headGroupSpec"])]
    groups += [("workerGroupSpecs", each) for each in cluster["workerGroupSpecs"]]
    for name, part in [("", document), ("spec", document["spec"]), ("rayClusterSpec", cluster), *groups]:
        assert set(part) <= RAY_JOB[name], f"{name}: {set(part) - RAY_JOB[name]}"
    for _, group in groups:
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pods = {"apiVersion": "v1", "kind": "PodTemplate", "template": group["template"]}
        package.validate(pods, version, strict=True)


def the(kind: str, path: Path) -> dict[str, Any]:
    (found,) = (each for each in documents(path) if each["kind"] == kind)
    return found


def containers(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield from document.get("containers", ())
        document = list(document.values())
    for each in document if isinstance(document, list) else ():
        yield from containers(each)


def shell_of(document: dict[str, Any]) -> str:
    """What a manifest has a shell run."""
    found = [line for each in containers(document) for line in each.get("args", ())]
    return "\n".join([*found, document["spec"].get("entrypoint", "")])


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_have_the_fields_and_types_of_the_schema(path: Path, version: str) -> None:
    for document in documents(path):
        validate(document, version)


@pytest.mark.parametrize("name", ["train.yaml", "files.yaml", "files-kuberay.yaml"])
def test_a_field_of_a_wrong_name_or_type_would_be_found(name: str) -> None:
    for change in ({"volumeMount": []}, {"image": 1}, {"resources": {"limits": {"cpu": [1]}}}):
        document = copy.deepcopy(documents(FOLDER / name)[-1])
        next(containers(document)).update(change)
        with pytest.raises(Exception, match=r"volumeMount|1 is not|\[1\] is not"):
            validate(document, "1.37")


@pytest.mark.parametrize("name", ["train.yaml", "files.yaml"])
def test_pods_find_the_first_one_and_are_as_many_as_the_command_says(name: str) -> None:
    service, job = the("Service", FOLDER / name), the("Job", FOLDER / name)
    own = job["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": own}
    assert job["spec"]["template"]["spec"]["subdomain"] == service["metadata"]["name"]
    assert job["spec"]["completions"] == job["spec"]["parallelism"]
    text = shell_of(job)
    assert f" {own}-0.{service['metadata']['name']} " in text
    (container,) = containers(job)
    if name == "train.yaml":
        assert f"--nnodes {job['spec']['parallelism']} " in text
        assert f"--nproc-per-node {container['resources']['limits']['nvidia.com/gpu']} " in text
    else:
        assert f"--workers {job['spec']['parallelism'] * container['resources']['limits']['cpu']} " in text


def test_kuberays_cluster_has_the_workers_and_the_ray_that_it_says() -> None:
    cluster = documents(FOLDER / "files-kuberay.yaml")[0]["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    (container,) = containers(group)
    workers = group["replicas"] * container["resources"]["limits"]["cpu"]
    assert f"--workers {workers} " in documents(FOLDER / "files-kuberay.yaml")[0]["spec"]["entrypoint"]
    assert f"\nray=={cluster['rayVersion']}\n" in (ROOT / "constraints.txt").read_text("utf-8")


def test_volumes_are_claimed_and_what_is_mounted_is_a_volume() -> None:
    claims = {each["metadata"]["name"] for each in documents(FOLDER / "storage.yaml")}

    def pods(document: Any) -> Iterator[dict[str, Any]]:
        if isinstance(document, dict):
            if "containers" in document:
                yield document
            document = list(document.values())
        for each in document if isinstance(document, list) else ():
            yield from pods(each)

    found = [pod for path in MANIFESTS for document in documents(path) for pod in pods(document)]
    assert len(found) == 4
    for pod in found:
        claimed = {
            each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"] if "persistentVolumeClaim" in each
        }
        assert claimed <= claims
        (container,) = pod["containers"]
        assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


def shells() -> dict[str, str]:
    """Every piece of shell that we hand out."""
    found = {path.name: path.read_text("utf-8") for path in SCRIPTS}
    for path in MANIFESTS:
        found[path.name] = "\n".join(map(shell_of, documents(path)))
    text = PAGE.read_text("utf-8")
    found["scaling.md"] = "\n".join(line.removeprefix("    ") for line in text.splitlines() if line.startswith("    "))
    return found


def test_shells_read_every_script() -> None:
    assert len(shells()) == 8
    for name, text in shells().items():
        done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
        assert not done.stderr, f"{name}: {done.stderr}"


def commands() -> list[tuple[str, list[str]]]:
    """Our program's calls, with what a shell puts in place of variables left as it is."""
    found = []
    for name, text in shells().items():
        for line in re.sub(r"\\\n\s*", " ", text).splitlines():
            for call in re.findall(r"""(?:^\s*|[\s"])patchword ([a-z]+ .*)""", line):
                call = re.split(r"\|\||'|\.\.\.$", re.sub(r"\$\(\(.*?\)\)", "1", call))[0]
                found.append((name, shlex.split(call.replace('"$@"', "--resume").replace("$what", "--resume"))))
    return found


def test_options_of_every_command_are_ours() -> None:
    program: Any = typer.main.get_command(app)
    seen = set()
    for name, words in commands():
        verb = program.commands[words[0]]
        words = [re.sub(r"^\$.*", "1", word) for word in words]
        if "train" in words and "--out" not in words:  # it stands behind the quoted part
            words += ["--out", "runs"]
        # Raises for an option that there is not, one without a value, and a value of another type.
        verb.make_context(words[0], words[1:], resilient_parsing=False)
        seen.add((name, words[0]))
    expected = {("train.yaml", "train"), ("train.sbatch", "train"), ("scaling.md", "train")}
    expected |= {(f"files{end}", "translate") for end in (".yaml", "-kuberay.yaml", ".sbatch")}
    assert expected | {("scaling.md", "translate"), ("scaling.md", "classify")} <= seen


def test_ray_knows_the_options_that_a_cluster_is_begun_with() -> None:
    scripts = pytest.importorskip("ray.scripts.scripts")
    known = {name for each in scripts.start.params for name in each.opts}
    text = (FOLDER / "on_ray.sh").read_text("utf-8").partition("\nset -u\n")[2]
    used = set(re.findall(r"--[a-z][a-z-]+", text))
    assert "--object-store-memory" in used
    assert used <= known
    for each in documents(FOLDER / "files-kuberay.yaml")[0]["spec"]["rayClusterSpec"]["workerGroupSpecs"]:
        assert {f"--{name}" for name in each["rayStartParams"]} <= known


def test_the_page_names_every_file() -> None:
    text = PAGE.read_text("utf-8")
    for path in (*SCRIPTS, *MANIFESTS):
        assert f"](scaling/{path.name})" in text
    for name in re.findall(r"\]\((scaling/[^)]+)\)", text):
        assert (PAGE.parent / name).exists()
