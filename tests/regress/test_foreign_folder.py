"""The folder in which somebody happens to stand decides what runs: the program's own files are
found by where the program is, or by --root, never by the current folder."""

import json
import shutil
import sqlite3
import subprocess

from gatectl import GATECTL
from server import BINARY, PATIENCE, ROOT, base_config, write_private

LOOT = 'io.stdout:write("foreign code runs\\n") io.stdout:flush()\n'


def foreign_folder(tmp_path):
    """A folder that looks like the program's, of somebody else."""
    folder = tmp_path / "foreign"
    for name in ("bootstrap", "launcher", "msgagent", "logind", "service_mgr"):
        (folder / "lua/service").mkdir(parents=True, exist_ok=True)
        (folder / f"lua/service/{name}.lua").write_text(LOOT)
    for driver in ("sqlite", "mysql"):
        (folder / "sql" / driver).mkdir(parents=True)
        (folder / "sql" / driver / "0001_init.sql").write_text("CREATE TABLE foreign_table (a);\n")
    (folder / "config").mkdir()
    (folder / "config/quickstart.json").write_text("{ foreign configuration")
    return folder


def run_in(folder, *command):
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60 * PATIENCE, check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def own_config(tmp_path):
    config = base_config(tmp_path)
    config["agent"]["module"] = str(ROOT / "lua/game/player.lua")
    path = tmp_path / "own.json"
    write_private(path, json.dumps(config))
    return path


def tables(path):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}


def test_migrate_runs_the_programs_sql(tmp_path):
    folder, config = foreign_folder(tmp_path), own_config(tmp_path)
    code, output = run_in(folder, GATECTL, "--config", config, "migrate")
    assert code == 0, output
    made = tables(tmp_path / "gatehouse.db")
    assert "account" in made and "foreign_table" not in made


def test_without_config_only_the_programs_own_is_read(tmp_path):
    command = (GATECTL, "--set", "admin.listen=nowhere", "status")
    code, output = run_in(foreign_folder(tmp_path), *command)
    assert code == 2 and "--config" in output and "line 1" not in output, output
    code, output = run_in(ROOT, *command)
    assert code == 2 and "admin.listen: bad address" in output, output


def test_scripts_run_on_the_programs_library(tmp_path):
    folder = foreign_folder(tmp_path)
    script = tmp_path / "hello.lua"
    script.write_text(
        'local skynet = require "skynet" require "skynet.manager"\n'
        'skynet.start(function() skynet.error "own code runs" skynet.abort() end)\n'
    )
    config = tmp_path / "hello.config"
    config.write_text(f'thread = 1\nstart = "hello"\nluaservice = "{tmp_path}/?.lua"\n')
    code, output = run_in(folder, BINARY, "skynet", config)
    assert code == 0 and "own code runs" in output and "foreign" not in output, output


def test_root_names_the_folder(tmp_path):
    root = tmp_path / "copy"
    for part in ("lua", "sql"):
        shutil.copytree(ROOT / part, root / part)
    extra = "CREATE TABLE from_the_copy (a INTEGER) STRICT;\n"
    number = len(list((root / "sql/sqlite").glob("*.sql"))) + 1
    (root / f"sql/sqlite/{number:04}_copy.sql").write_text(extra)
    config = own_config(tmp_path)
    code, output = run_in(tmp_path, GATECTL, "--root", root, "--config", config, "migrate")
    assert code == 0, output
    assert "from_the_copy" in tables(tmp_path / "gatehouse.db")
    code, output = run_in(tmp_path, BINARY, "check", "--root", tmp_path, "--config", config)
    assert code == 2 and "--root" in output, output
    (root / "sql/sqlite/0001_init.sql").chmod(0o666)
    code, output = run_in(tmp_path, GATECTL, "--root", root, "--config", config, "migrate")
    assert code == 2 and "everybody may write it" in output, output
