"""What others may change, or secrets that others may read, are taken as the operator's word.
Configurations, what they name and include, and key files are refused then, as PostgreSQL does with
keys, with the mode that mends it."""

import json
import os
import shutil
import subprocess

import pytest
from gatectl import GATECTL
from server import BINARY, PATIENCE, ROOT, base_config, merged, run, write_private
from waiting import wait_until

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRETS = {
    "database": {"store": {"mysql": {"password": "geheim"}}},
    "tickets": {"auth": {"tickets": {"keys": [KEY]}}},
    "factors": {"auth": {"totp": {"keys": [KEY]}}},
    "console": {"console": {"password": "a long password"}},
}
NO_SECRETS = {
    "store": {"mysql": {"password": ""}},
    "auth": {"tickets": {"keys": []}, "totp": {"keys": []}},
    "console": {"password": ""},
}


def write(path, mode, changes=None):
    config = merged(base_config(path.parent), changes or {})
    config["agent"]["module"] = str(ROOT / "lua/game/player.lua")
    write_private(path, json.dumps(config))
    path.chmod(mode)
    return path


def refused(path, *words):
    code, output = run("check", "--config", path)
    assert code == 2 and str(path.name) in output and "chmod" in output, output
    for word in words:
        assert word in output, output


def accepted(path):
    code, output = run("check", "--config", path)
    assert code == 0, output


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644, 0o444, 0o640])
def test_what_only_the_owner_writes_is_read(tmp_path, mode):
    accepted(write(tmp_path / "c.json", mode, NO_SECRETS))


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o622, 0o602, 0o777])
def test_what_everybody_may_write_is_refused(tmp_path, mode):
    refused(write(tmp_path / "c.json", mode), "may write it", f"{mode:04o}")


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_that_everybody_may_read_are_refused(tmp_path, kind):
    path = write(tmp_path / "c.json", 0o644, SECRETS[kind])
    refused(path, "secret", "everybody may read it")
    path.chmod(0o604)
    refused(path, "secret")
    path.chmod(0o600)
    accepted(path)
    assert "geheim" not in run("check", "--config", path)[1]


def test_a_secret_of_the_command_line_is_not_in_the_file(tmp_path):
    path = write(tmp_path / "c.json", 0o644)
    code, output = run("check", "--config", path, "--set", "store.mysql.password=geheim")
    assert code == 0 and "geheim" not in output, output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_and_group(tmp_path):
    nobody = 65534
    path = write(tmp_path / "c.json", 0o660)
    refused(path, "its group may write it")
    path.chmod(0o640)  # root's, with the group of the service
    os.chown(path, 0, nobody)
    accepted(path)
    path = write(tmp_path / "s.json", 0o640, SECRETS["database"])
    os.chown(path, 0, nobody)
    accepted(path)
    os.chown(path, nobody, nobody)
    code, output = run("check", "--config", path)
    assert code == 2 and "belongs to" in output, output


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
def test_who_owns_the_folder_of_the_program_is_trusted(tmp_path):
    """As root in somebody's checkout: he could change the program as well."""
    tree, somebody = tmp_path / "checkout", 65534
    program = tree / "build/release/gatehouse"
    program.parent.mkdir(parents=True)
    shutil.copy(BINARY, program)
    for part in ("lua", "sql"):
        shutil.copytree(ROOT / part, tree / part)
    path = write(tree / "c.json", 0o644, NO_SECRETS | {"agent": {"module": "lua/game/player.lua"}})
    for entry in [tree, path, *tree.glob("lua/**/*"), *tree.glob("sql/**/*")]:
        os.chown(entry, somebody, somebody)
    tree.chmod(0o777)

    def check():
        command = [program, "check", "--config", path]
        done = subprocess.run(command, capture_output=True, timeout=60 * PATIENCE, check=False)
        return done.returncode, done.stderr.decode()

    assert check() == (0, "")
    os.chown(tree, 0, 0)
    code, output = check()
    assert code == 2 and "belongs to" in output, output


def test_folders_above(tmp_path):
    outer = tmp_path / "outer"
    inner = outer / "inner"
    inner.mkdir(parents=True)
    path = write(inner / "c.json", 0o600)
    accepted(path)
    for folder in (inner, outer):
        folder.chmod(0o777)
        code, output = run("check", "--config", path)
        assert code == 2 and str(folder) in output and "may write it" in output, output
        # As /tmp: nobody moves another's files there.
        folder.chmod(0o1777)
        accepted(path)
        folder.chmod(0o755)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    accepted(link)
    inner.chmod(0o777)
    assert run("check", "--config", link)[0] == 2


def test_every_program_refuses(tmp_path):
    path = write(tmp_path / "c.json", 0o666)
    assert run("--config", path)[0] == 2
    done = subprocess.run(
        [GATECTL, "--config", path, "migrate"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 2 and b"may write it" in done.stderr
    assert not (tmp_path / "gatehouse.db").exists()


@pytest.mark.parametrize("key", ["agent.module", "login.policy"])
def test_code_that_is_named(tmp_path, key):
    code_file = tmp_path / "named.lua"
    source = {"agent.module": "lua/game/player.lua", "login.policy": "lua/game/login_policy.lua"}
    shutil.copy(ROOT / source[key], code_file)
    section, name = key.split(".")
    path = write(tmp_path / "c.json", 0o600)
    config = json.loads(path.read_text())
    config.setdefault(section, {})[name] = str(code_file)
    path.write_text(json.dumps(config))
    code_file.chmod(0o644)
    accepted(path)
    code_file.chmod(0o666)
    code, output = run("check", "--config", path)
    assert code == 2 and key in output and "named.lua" in output, output


def test_key_files(tmp_path):
    pem = tmp_path / "client.pem"
    write_private(pem, "no matter")
    tls = {"mode": "required", "cert": str(pem), "key": str(pem)}
    changes = {"store": {"driver": "mysql", "mysql": {"tls": tls}}}
    path = write(tmp_path / "c.json", 0o600, changes)
    config = json.loads(path.read_text())
    del config["store"]["sqlite"]
    path.write_text(json.dumps(config))
    accepted(path)
    pem.chmod(0o644)
    code, output = run("check", "--config", path)
    assert code == 2 and "store.mysql.tls.key" in output and "may read it" in output, output


def test_skynet_configuration_and_what_it_includes(tmp_path):
    (tmp_path / "stop.lua").write_text(
        'local skynet = require "skynet" require "skynet.manager"\n'
        "skynet.start(function() skynet.abort() end)\n"
    )
    included = tmp_path / "more.config"
    included.write_text(f'luaservice = "{tmp_path}/?.lua"\n')
    config = tmp_path / "c.config"
    config.write_text('thread = 1\nstart = "stop"\ninclude "more.config"\n')
    code, output = run("skynet", config)
    assert code == 0, output
    preload = tmp_path / "before.lua"
    preload.write_text("")
    nodes = tmp_path / "nodes.lua"
    nodes.write_text("")
    with open(config, "a") as file:
        file.write(f'preload = "{preload}"\ncluster = "{nodes}"\n')
    assert run("skynet", config)[0] == 0
    for path in (included, config, preload, nodes, tmp_path):
        mode = path.stat().st_mode & 0o777
        path.chmod(mode | 0o022)
        code, output = run("skynet", config)
        assert code == 2 and path.name in output and "may write it" in output, output
        path.chmod(mode)


def test_the_ready_file_follows_no_link(tmp_path):
    """In a folder that others share, they may not foresee where it is written first."""
    target, ready = tmp_path / "target", tmp_path / "ready.json"
    path = write(tmp_path / "c.json", 0o600)
    script = 'ln -s "$1" "$2.$$"; exec "$0" --config "$3" --ready-file "$2"'
    process = subprocess.Popen(
        ["sh", "-c", script, BINARY, target, ready, path], cwd=ROOT,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(ready.exists, 20 * PATIENCE, "ready file")
        assert not target.exists() and not ready.is_symlink()
        assert json.loads(ready.read_text())["pid"] == process.pid
        process.terminate()
        assert process.wait(20 * PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
