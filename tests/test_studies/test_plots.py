"""What the plots of a report show, and whom they leave out."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from studies.plots import draw_plot

NAN = float('nan')


def table(rungs=('source_only', 'lossmix'), **columns):
    rows = [
        dict(rung=rung, seed=seed, split=split, iteration=at, AP=0.5,
             **{name: values.get(rung, NAN) for name, values in columns.items()})
        for rung in rungs
        for seed in (0, 1)
        for split, at in (('val', 2), ('val', 4), ('test', 4))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def lines_of(axes):
    return {line.get_label(): to_hex(line.get_color()) for line in axes.get_lines()}


@pytest.mark.parametrize('y', ['pseudo_precision', 'student/AP50'])
def test_rungs_without_a_column_are_left_out(y):
    rows = table(**{y: {'lossmix': 0.25}})
    figures = [
        draw_plot({'kind': 'curves', 'by': 'rung', **more}, rows, ['rung', 'seed'])
        for more in ({}, {'y': y})
    ]
    every, some = [lines_of(figure.axes[0]) for figure in figures]
    assert list(every) == ['source_only', 'lossmix']
    assert some == {'lossmix': every['lossmix']}  # in the same colour
    (axes,) = figures[1].axes
    assert list(axes.get_lines()[0].get_ydata()) == [0.25, 0.25]
    assert axes.get_title(loc='left').startswith(f'{y} during the training; mean')
    measured = 'since the validation before' if 'pseudo' in y else 'validation'
    assert axes.get_ylabel() == f'{y}, {measured}'


@pytest.mark.parametrize('columns', [{}, {'pseudo_recall': {}}])
def test_a_column_that_nobody_has_is_said_to_be_empty(columns):
    plot = {'kind': 'curves', 'by': 'rung', 'y': 'pseudo_recall'}
    (axes,) = draw_plot(plot, table(**columns), ['rung', 'seed']).axes
    assert not axes.get_lines()
    assert axes.texts[0].get_text() == 'no pseudo_recall in any validation'
    draw_plot({'kind': 'bars', 'x': 'rung', 'y': 'y'}, table(), ['rung', 'seed'])


def test_more_labels_than_colours():
    rungs = [f'a_rung_with_a_name_{i}' for i in range(11)]
    curves = {'kind': 'curves', 'by': 'rung'}
    (axes,) = draw_plot(curves, table(rungs), ['rung', 'seed']).axes
    styles = [(to_hex(line.get_color()), line.get_linestyle(), line.get_marker())
              for line in axes.get_lines()]  # fmt: skip
    assert len(set(styles)) == 11
    bars = {'kind': 'bars', 'x': 'rung'}
    (axes,) = draw_plot(bars, table(rungs), ['rung', 'seed']).axes
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {30}
    (axes,) = draw_plot(bars, table(), ['rung', 'seed']).axes
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0}


def test_panels_side_by_side():
    """One for each label of an axis; a rung has its colour in all of them."""
    both = [table().assign(detector='fcos'), table(['lossmix']).assign(detector='atss')]
    plot = {'kind': 'curves', 'by': 'rung', 'panels': 'detector'}
    figure = draw_plot(plot, pd.concat(both), ['rung', 'detector', 'seed'])
    fcos, atss = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ['fcos', 'atss']
    assert lines_of(atss) == {'lossmix': lines_of(fcos)['lossmix']}
    assert figure.get_suptitle().endswith('deviation over seed')
    assert fcos.get_ylim() == atss.get_ylim()
    bars = {'kind': 'bars', 'x': 'rung', 'panels': 'detector'}
    assert len(draw_plot(bars, pd.concat(both), ['rung', 'detector', 'seed']).axes) == 2
