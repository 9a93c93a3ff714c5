"""MaskomalyConfig: presets, files, what is refused, and whose queries may be used."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig, ablation_configs, check_queries, maskomaly  # noqa: E402
from maskomaly.config import was_changed  # noqa: E402
from mdmkit import InputError, InputTypeError  # noqa: E402
from tests.maskomaly.drawn import random_outputs  # noqa: E402

PAPER, RELEASE = MaskomalyConfig.preset("paper"), MaskomalyConfig.preset("release")
OUTPUTS = random_outputs(0)  # 7 queries, no checkpoint
BOUND = replace(OUTPUTS, checkpoint="0123abcd")

units = st.floats(0, 1)
queries = st.lists(st.integers(0, 199), unique=True, max_size=5).map(tuple)
configs = st.builds(
    MaskomalyConfig, t_mask=units, t_border=units, eps_border=units, lam=units,
    accept=st.booleans(), border=st.booleans(), init=st.booleans(),
    anomaly_queries=queries, init_queries=queries,
    mask_comparison=st.sampled_from([">=", ">"]),
    border_queries=st.sampled_from(["inliers", "non-void"]),
    accept_probability=st.sampled_from(["void", "max"]),
    resolution=st.sampled_from(["input", "mask"]),
    checkpoint=st.text(),
)  # fmt: skip


def test_presets_differ_in_what_the_release_does_otherwise():
    differing = {
        f.name for f in fields(PAPER) if getattr(PAPER, f.name) != getattr(RELEASE, f.name)
    }
    assert differing == {
        "mask_comparison", "border_queries", "accept_probability", "init_probability", "padding",
    }  # fmt: skip
    assert (RELEASE.t_mask, RELEASE.t_border, RELEASE.eps_border, RELEASE.lam) == (0.7, 0.1, 0, 0.6)
    assert RELEASE.anomaly_queries == (49, 31, 83, 32)
    assert RELEASE.init_queries == (19, 24)
    with pytest.raises(InputError, match="preset: expected paper or release, found 'best'"):
        MaskomalyConfig.preset("best")


def test_the_default_is_the_printed_algorithm_without_queries():
    unbound = replace(PAPER, anomaly_queries=(), init_queries=(), checkpoint="")
    assert MaskomalyConfig() == unbound


@given(configs)
def test_toml_gives_a_config_back(tmp_path_factory, config):
    path = tmp_path_factory.mktemp("config") / "maskomaly.toml"
    config.write(path)
    assert MaskomalyConfig.read(path) == config


def test_keys_that_a_file_leaves_out_are_the_defaults(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("t_mask = 1  # integers are numbers too\nanomaly_queries = [3]\n")
    config = MaskomalyConfig.read(path)
    assert config == MaskomalyConfig(t_mask=1.0, anomaly_queries=(3,))
    assert isinstance(config.t_mask, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t_mask = 1.5", r"t_mask: expected a number in \[0, 1\], found 1.5"),
        ("lam = nan", "lam: expected a number"),
        ("lam = true", "lam: expected a number"),
        ('t_border = "0.1"', "t_border: expected a number"),
        ("accept = 1", "accept: expected true or false, found 1"),
        ("accept = false\nreject = false", "at least one of the two terms"),
        ("anomaly_queries = 3", "anomaly_queries: expected a list of query indices, found 3"),
        ("anomaly_queries = [3.0]", "anomaly_queries: expected query indices, found 3.0"),
        ("init_queries = [-1]", "init_queries: expected query indices >= 0, found -1"),
        ("init_queries = [1, 1]", "init_queries: expected each query once"),
        ('mask_comparison = "<"', "mask_comparison: expected '>=' or '>', found '<'"),
        ("border_queries = []", "border_queries: expected 'inliers' or 'non-void'"),
        ("checkpoint = 7", "checkpoint: expected a string, found 7"),
        ("t_maks = 0.5", "expected keys among t_mask, .*; found t_maks"),
        ("[maskomaly]\nlam = 0.5", "found maskomaly"),
        ("lam = = 0.5", "expected a readable TOML file"),
    ],
)
def test_bad_files_are_named_with_the_key(tmp_path, text, message):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"bad\.toml: .*{message}"):
        MaskomalyConfig.read(path)


def test_missing_and_binary_files_are_named(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.toml", "binary.toml"):
        with pytest.raises(InputError, match=f"{name}: expected a readable TOML file"):
            MaskomalyConfig.read(tmp_path / name)


def test_wrong_types_are_type_errors_too():
    with pytest.raises(InputTypeError):
        MaskomalyConfig(lam="0.5")
    with pytest.raises(InputTypeError):
        MaskomalyConfig(border=None)


def test_ablation_rows_are_the_papers_and_one_without_the_border():
    rows = ablation_configs(PAPER)
    switched = {name: (c.accept, c.reject, c.border, c.init) for name, c in rows.items()}
    assert list(switched.items()) == [
        ("A", (True, False, False, False)),
        ("R", (False, True, False, False)),
        ("RB", (False, True, True, False)),
        ("AR", (True, True, False, False)),
        ("ARB", (True, True, True, False)),
        ("ARBI", (True, True, True, True)),
    ]
    assert rows["ARBI"] == PAPER
    assert ablation_configs(rows["A"])["ARBI"] == PAPER


def test_queries_without_a_checkpoint_may_be_used_anywhere():
    config = MaskomalyConfig(anomaly_queries=(6,), init_queries=(0,))
    check_queries(OUTPUTS, config)
    check_queries(BOUND, config)
    check_queries(BOUND, replace(config, checkpoint="0123abcd"))


@pytest.mark.parametrize("outputs", [OUTPUTS, replace(OUTPUTS, checkpoint="89ef")])
@pytest.mark.parametrize("key", ["anomaly_queries", "init_queries"])
def test_queries_of_another_checkpoint_are_refused_unless_forced(outputs, key):
    config = MaskomalyConfig(**{key: (1,)}, checkpoint="0123abcd")
    with pytest.raises(InputError, match=f"{key}: .* found those of 0123abcd"):
        check_queries(outputs, config)
    with pytest.raises(InputError, match="anew, or use them all the same by `force_queries=True`"):
        maskomaly(outputs, config)
    check_queries(outputs, config, force_queries=True)
    assert torch.equal(
        maskomaly(outputs, config, force_queries=True),
        maskomaly(outputs, replace(config, checkpoint="")),
    )


def test_presets_are_refused_for_any_network_but_not_without_their_queries():
    many = replace(random_outputs(0, queries=100), checkpoint="0123abcd")
    for preset in (PAPER, RELEASE):
        with pytest.raises(InputError, match="anomaly_queries"):
            check_queries(many, preset)
        check_queries(many, preset, force_queries=True)
        check_queries(many, replace(preset, anomaly_queries=(), init_queries=()))


def test_queries_that_no_term_uses_are_not_judged():
    check_queries(OUTPUTS, replace(PAPER, accept=False, init=False))
    check_queries(OUTPUTS, replace(PAPER, anomaly_queries=(), reject=False))


@pytest.mark.parametrize("force", [False, True])
def test_queries_that_the_network_does_not_have_are_refused(force):
    with pytest.raises(InputError, match=r"init_queries: expected indices below .* 7 .*, found 7"):
        check_queries(OUTPUTS, MaskomalyConfig(init_queries=(6, 7)), force)
    with pytest.raises(InputError, match="anomaly_queries: expected indices below"):
        maskomaly(OUTPUTS, MaskomalyConfig(anomaly_queries=(7,)), force)


def test_a_file_that_was_changed_is_known_and_read_all_the_same(tmp_path):
    path = tmp_path / "queries.toml"
    config = MaskomalyConfig(anomaly_queries=(3, 12))
    config.write(path, ["how they were found"])
    written = path.read_text()
    assert written.splitlines()[1] == "# how they were found"
    assert not was_changed(path)
    path.write_text(written[:300])  # cut off: what is missing would be taken from the defaults
    assert was_changed(path)
    path.write_text(written[:30])
    with pytest.raises(InputError, match="expected parameters, found none"):
        MaskomalyConfig.read(path)
    path.write_text(written)
    path.write_text(path.read_text().replace("12", "13"))
    assert was_changed(path)
    assert MaskomalyConfig.read(path).anomaly_queries == (3, 13)
    path.write_text("anomaly_queries = [1]\n")  # by hand from the start
    assert not was_changed(path)


@pytest.mark.parametrize("option", ["config", "queries"])
def test_a_file_that_is_not_there_is_refused_before_a_network_is_loaded(option, tmp_path):
    from maskomaly.cli.groups import Chosen

    with pytest.raises(InputError, match=r"gone\.toml"):
        Chosen(**{option: str(tmp_path / "gone.toml")})


def test_commands_say_which_files_of_queries_were_changed(tmp_path, capsys):
    from maskomaly.cli.groups import Chosen

    path = tmp_path / "queries.toml"
    MaskomalyConfig(anomaly_queries=(12,)).write(path)
    assert Chosen(queries=str(path)).resolve(quiet=False).anomaly_queries == (12,)
    assert capsys.readouterr().err == ""
    path.write_text(path.read_text().replace("12", "13"))
    assert Chosen(queries=str(path)).resolve(quiet=True).anomaly_queries == (13,)
    assert capsys.readouterr().err == ""
    assert Chosen(queries=str(path)).resolve(quiet=False).anomaly_queries == (13,)
    assert f"note: {path} was changed since it was written" in capsys.readouterr().err


def test_a_byte_order_mark_before_toml_is_read_over(tmp_path):
    config = MaskomalyConfig(t_mask=0.5)
    (tmp_path / "a.toml").write_text("\ufeff" + config.to_toml(), encoding="utf-8")
    assert MaskomalyConfig.read(tmp_path / "a.toml") == config
