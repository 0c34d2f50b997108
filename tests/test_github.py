"""The files of .github are what the host expects, and name what exists."""

import re

import pytest
import yaml

from tests.helpers import ROOT

WORKFLOWS = sorted(ROOT.glob('.github/workflows/*.yml'))
FORMS = sorted(set(ROOT.glob('.github/ISSUE_TEMPLATE/*.yml')))
MAKEFILE = (ROOT / 'Makefile').read_text(encoding='utf-8')


def faults_in(text):
    """What is wrong with a workflow."""
    workflow = yaml.safe_load(text)
    if True not in workflow:  # so YAML 1.1 reads the key `on`
        yield 'no trigger'
    for name, job in workflow['jobs'].items():
        if 'runs-on' not in job or not job.get('steps'):
            yield f'{name} does not run'
        for need in job.get('needs', ()):
            if need not in workflow['jobs']:
                yield f'{name} needs {need}'
        matrix = job.get('strategy', {}).get('matrix', {})
        for key in re.findall(r'\bmatrix\.(\w+)', str(job)):
            if key not in matrix:
                yield f'{name} has no matrix.{key}'
        for step in job.get('steps', ()):
            if ('uses' in step) == ('run' in step):
                yield f'{name}: a step either uses or runs'
            if 'uses' in step and not re.fullmatch(r'[\w/-]+@v\d+', step['uses']):
                yield f'{name}: {step["uses"]} has no version'
            for target in re.findall(r'\bmake ([\w-]+)', step.get('run', '')):
                if not re.search(rf'^{target}:', MAKEFILE, re.M):
                    yield f'{name}: make {target}'
    if re.search(r'index-url|find-links|pypi|simple/', text):
        yield 'it names a registry'


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_sound(path):
    assert list(faults_in(path.read_text(encoding='utf-8'))) == []


def test_a_broken_workflow_is_noticed():
    (text,) = (path.read_text(encoding='utf-8') for path in WORKFLOWS)
    for old, new in (
        ('make lint', 'make lnt'),
        ('runs-on: ubuntu-latest', 'runs: x'),
        ('matrix.stack', 'matrix.stak'),
        ('checkout@v4', 'checkout'),
        ('\non:', '\nof:'),
        ('pip install .', 'pip install --index-url x .'),
    ):
        assert old in text
        assert list(faults_in(text.replace(old, new)))


def test_the_matrix_has_the_stacks_and_pythons_of_the_project():
    jobs = yaml.safe_load(WORKFLOWS[0].read_text(encoding='utf-8'))['jobs']
    stacks = jobs['test']['strategy']['matrix']['stack']
    setup = (ROOT / 'bootstrap/setup_env.py').read_text(encoding='utf-8')
    assert all(f"'{stack}': (" in setup for stack in stacks)
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    lowest = re.search(r'requires-python = ">=(3\.\d+)', project).group(1)
    assert jobs['wheel']['strategy']['matrix']['python'][0] == lowest


@pytest.mark.parametrize('path', FORMS, ids=lambda path: path.name)
def test_a_form_can_be_filled_in(path):
    form = yaml.safe_load(path.read_text(encoding='utf-8'))
    if path.name == 'config.yml':
        return
    assert {'name', 'description', 'body'} <= set(form)
    ids = [part['id'] for part in form['body']]
    assert len(set(ids)) == len(ids)
    assert all(part['attributes']['label'] for part in form['body'])
