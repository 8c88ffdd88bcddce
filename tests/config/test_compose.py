import pytest
from omegaconf import OmegaConf

from r1light.config.compose import Source, compose_jobs, explain, resolve
from r1light.core.errors import ConfigError, UnknownNameError

FILES = {
    "config.yaml": (
        "defaults: [_self_, {reward: one}, {data: small}]\n"
        "seed: 0\n"
        "stage: {name: train, iterations: '${oc.select:data.recommended.iterations,200}'}\n"
        "hydra: {output_subdir: null}\n"
    ),
    "reward/one.yaml": "components: {one: {weight: 1.0}}\n",
    "reward/two.yaml": "components: {two: {weight: 1.0}}\n",
    "data/small.yaml": "recommended: {iterations: 30}\n",
    "data/needs.yaml": "path: ???\n",
    "swept.yaml": (
        "defaults: [config, _self_]\n"
        "hydra: {mode: MULTIRUN, sweeper: {params: {seed: '0,1', stage.lr: '1,2'}}}\n"
    ),
}


@pytest.fixture
def source(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Source(config_path=str(tmp_path / "conf"))


def jobs(source, *overrides, multirun=False):
    return compose_jobs(overrides, source, multirun=multirun)


def test_interpolations_are_resolved_and_hydras_node_is_left_out(source):
    (job,) = jobs(source).jobs
    assert job.keys() == {"seed", "stage", "reward", "data"}
    assert job["stage"]["iterations"] == 30
    assert jobs(source, "~data.recommended").jobs[0]["stage"]["iterations"] == 200


def test_an_option_that_no_yaml_writes_can_be_set_and_hydra_is_told_to_add_it(source):
    composed = jobs(source, "stage.lr=0.1", "seed=2", "stage.clip.low=1")
    assert composed.jobs[0]["stage"] == {"name": "train", "iterations": 30, "lr": 0.1, "clip": {"low": 1}}
    assert composed.overrides == ["++stage.lr=0.1", "seed=2", "++stage.clip.low=1"]
    assert not composed.multirun


def test_rewards_can_be_combined_by_naming_several(source):
    assert jobs(source, "reward=[two,one]").jobs[0]["reward"]["components"].keys() == {"one", "two"}


def test_every_job_of_a_sweep_is_composed_in_the_sweepers_order(source):
    composed = jobs(source, "seed=0,1", "stage.lr=range(2)", "reward=two", multirun=True)
    assert [(job["seed"], job["stage"]["lr"]) for job in composed.jobs] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert composed.overrides == ["seed=0,1", "++stage.lr=range(2)", "reward=two"]
    assert composed.multirun


def test_a_sweep_over_a_groups_options_and_by_a_glob(source):
    composed = jobs(source, "reward=glob(*)", multirun=True)
    assert [list(job["reward"]["components"]) for job in composed.jobs] == [["one"], ["two"]]


def test_a_configuration_can_ask_for_a_sweep_itself(source):
    composed = jobs(Source("swept", source.config_path), "data.x=1")
    assert composed.multirun
    assert [(job["seed"], job["stage"]["lr"]) for job in composed.jobs] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_another_sweepers_values_are_left_to_it(source):
    line = "hydra.sweeper._target_=some.Other"
    composed = jobs(source, line, "stage.lr=interval(0,1)", "seed=4", multirun=True)
    assert [job["seed"] for job in composed.jobs] == [4]


def test_a_folder_of_the_users_own_comes_first(source, tmp_path):
    (tmp_path / "own" / "reward").mkdir(parents=True)
    (tmp_path / "own" / "reward" / "one.yaml").write_text("components: {mine: {}}\n")
    own = Source("config", source.config_path, str(tmp_path / "own"))
    assert list(jobs(own).jobs[0]["reward"]["components"]) == ["mine"]
    assert list(jobs(source).jobs[0]["reward"]["components"]) == ["one"]


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["reward=onee"], "unknown reward 'onee'; did you mean 'one'? Known: one, two"),
        (
            ["data=owner/smal"],
            "unknown data 'owner/smal'; did you mean 'small'? Known: needs, small. One on the hub or in a "
            "folder: data=jsonl data.path=owner/smal",
        ),
        (["seed"], "'seed' is no option: options are key=value, such as stage=grpo; see --help"),
        (["seed=[1"], "cannot read the override 'seed=[1', which should be key=value: "),
        (["data=needs"], "data.path is required; set data.path=..."),
        (["seed=1,2"], "seed=1,2 has several values: for a sweep over them put -m in front, for a list bra"),
        (["+seed=1"], "Could not append to config. An item is already at 'seed'."),
        (["~sede"], "Could not delete from config. 'sede' does not exist."),
        (
            ["stage.iterations=${oc.env:NO_SUCH_VARIABLE}"],
            "stage.iterations: KeyError raised while resolving interpolation: ",
        ),
        (["hydra.mode=x"], "Error merging override hydra.mode=x Invalid value 'x'"),
    ],
)
def test_hydras_errors_are_one_line(source, overrides, line):
    with pytest.raises(ConfigError) as caught:
        jobs(source, *overrides)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_sweep_that_cannot_be_split_is_one_line(source):
    with pytest.raises(ConfigError, match="does not support sweep type"):
        jobs(source, "seed=interval(0,1)", multirun=True)


def test_an_absent_primary_configuration_or_folder_is_named(source):
    with pytest.raises(ConfigError, match="nothing"):
        jobs(Source("nothing", source.config_path))
    with pytest.raises(ConfigError, match="--config-dir nowhere is no folder"):
        jobs(Source("config", source.config_path, "nowhere"))


def test_an_error_that_is_ours_already_stays_as_it_is():
    error = UnknownNameError("unknown reward")
    assert explain(error) is error


def test_hydras_runtime_values_can_be_interpolated(source, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert jobs(source, "data.path=${hydra:runtime.cwd}/rows").jobs[0]["data"]["path"] == f"{tmp_path}/rows"


def test_a_configuration_without_hydras_node_resolves_too():
    assert resolve(OmegaConf.create({"a": 1, "b": "${a}"})) == {"a": 1, "b": 1}


@pytest.mark.parametrize("value", ["null", "3", "true"])
def test_what_can_be_no_choice_of_a_group_is_refused_with_its_name(source, value):
    with pytest.raises(
        ConfigError, match=r"^reward=\w+: reward is a group of YAML files; name one \(one, two\)"
    ):
        jobs(source, f"reward={value}")
    assert jobs(source, "seed=3").jobs[0]["seed"] == 3


def test_a_file_that_is_not_yaml_is_named_with_its_line(source, tmp_path):
    (tmp_path / "conf" / "data" / "broken.yaml").write_text("path: [a\nb: c\n")
    with pytest.raises(ConfigError) as caught:
        jobs(source, "data=broken")
    assert str(caught.value).startswith("a configuration file is not valid YAML: ")
    assert 'data/broken.yaml", line 2' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_references_that_cannot_be_read_are_named_with_their_key(source, tmp_path):
    path = tmp_path / "conf" / "data" / "mine.yaml"
    path.write_text('inner: {path: "${outputs:zero.model}"}\n')
    with pytest.raises(ConfigError, match=r"^data\.inner\.path: .* type outputs; .* \$\{output:\.\.\.\}"):
        jobs(source, "data=mine")
    path.write_text('inner: {path: "${output:zero.model"}\n')
    with pytest.raises(ConfigError, match=r"^inner\.path: missing BRACE_CLOSE"):
        jobs(source, "data=mine")
