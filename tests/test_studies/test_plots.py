"""What the plots of a report show, and whom they leave out."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from studies.plots import draw_plot

NAN = float('nan')
AXES = ['variant', 'seed']


def table(variants=('source_only', 'lossmix'), **columns):
    rows = [
        dict(variant=variant, seed=seed, split=split, iteration=at, AP=0.5,
             **{name: values.get(variant, NAN) for name, values in columns.items()})
        for variant in variants
        for seed in (0, 1)
        for split, at in (('val', 2), ('val', 4), ('test', 4))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def legend_of(axes):
    """Label to colour."""
    legend = axes.get_legend()
    names = [text.get_text() for text in legend.get_texts()]
    return dict(zip(names, [to_hex(h.get_color()) for h in legend.legend_handles]))


def curves_of(axes):
    """Colour to values."""
    lines = [line for line in axes.get_lines() if len(line.get_ydata())]
    return {to_hex(line.get_color()): list(line.get_ydata()) for line in lines}


@pytest.mark.parametrize('y', ['pseudo_precision', 'student/AP50'])
def test_labels_without_a_column_are_left_out(y):
    rows = table(**{y: {'lossmix': 0.25}})
    plot = {'kind': 'curves', 'by': 'variant'}
    (every,) = draw_plot(plot, rows, AXES).axes
    figure = draw_plot({**plot, 'y': y}, rows, AXES)
    (some,) = figure.axes
    assert list(legend_of(every)) == ['source_only', 'lossmix']
    colour = legend_of(every)['lossmix']
    assert legend_of(some) == {'lossmix': colour}  # the same
    assert curves_of(some) == {colour: [0.25, 0.25]}
    assert figure.get_suptitle().startswith(f'{y} during the training; mean')
    measured = 'since the validation before' if 'pseudo' in y else 'validation'
    assert some.get_ylabel() == f'{y}, {measured}'


@pytest.mark.parametrize('columns', [{}, {'pseudo_recall': {}}])
def test_a_column_that_nobody_has_is_said_to_be_empty(columns):
    plot = {'kind': 'curves', 'by': 'variant', 'y': 'pseudo_recall'}
    (axes,) = draw_plot(plot, table(**columns), AXES).axes
    assert not axes.get_lines()
    assert axes.texts[0].get_text() == 'no pseudo_recall in any validation'
    draw_plot({'kind': 'bars', 'x': 'variant', 'y': 'y'}, table(), ['variant', 'seed'])


def test_more_labels_than_colours():
    variants = [f'a_label_with_a_name_{i}' for i in range(11)]
    curves = {'kind': 'curves', 'by': 'variant'}
    (axes,) = draw_plot(curves, table(variants), AXES).axes
    looks = [(h.get_color(), h.get_marker()) for h in axes.get_legend().legend_handles]
    assert len(set(looks)) == 11
    bars = {'kind': 'bars', 'x': 'variant'}
    (axes,) = draw_plot(bars, table(variants), AXES).axes
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {30}
    (axes,) = draw_plot(bars, table(), AXES).axes
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0}


def test_panels_side_by_side():
    """One for each label of an axis; a variant has its colour in all of them."""
    both = [table().assign(detector='fcos'), table(['lossmix']).assign(detector='atss')]
    plot = {'kind': 'curves', 'by': 'variant', 'panels': 'detector'}
    figure = draw_plot(plot, pd.concat(both), ['variant', 'detector', 'seed'])
    fcos, atss = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ['fcos', 'atss']
    colours = list(curves_of(fcos))
    assert (len(colours), list(curves_of(atss))) == (2, colours[1:])
    assert figure.get_suptitle().endswith('deviation over seed')
    assert fcos.get_ylim() == atss.get_ylim()
    bars = {'kind': 'bars', 'x': 'variant', 'panels': 'detector'}
    figure = draw_plot(bars, pd.concat(both), ['variant', 'detector', 'seed'])
    assert len(figure.axes) == 2


def test_a_band_along_numbers_and_a_line_for_each_other_label():
    """As for alpha, whose labels are numbers and `unmixed`."""
    rows = table(variants=('unmixed', 0.5, 5.0))
    plot = {'kind': 'band', 'x': 'variant', 'log': True}
    (axes,) = draw_plot(plot, rows, AXES).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ['0.5', '5']
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ['unmixed']
    (axes,) = draw_plot({**plot, 'by': 'seed'}, rows, AXES).axes
    assert '0 unmixed' in legend_of(axes)
