"""The picture in docs/monitoring.md is of the dashboard that the construct makes."""

from __future__ import annotations

from xml.etree import ElementTree

from docs import dashboard_picture


def test_the_picture_is_up_to_date() -> None:
    drawn = dashboard_picture.drawn(dashboard_picture.body())
    assert dashboard_picture.PICTURE.read_text() == drawn, "run `make docs`"


def test_the_picture_has_each_graph_and_each_metric_of_the_dashboard() -> None:
    shown = "".join(ElementTree.fromstring(dashboard_picture.PICTURE.read_text()).itertext())
    widgets = [widget["properties"] for widget in dashboard_picture.body()["widgets"][1:]]
    assert len(widgets) == 9
    for properties in widgets:
        assert properties["title"] in shown
        for metric in properties["metrics"]:
            options = metric[-1] if isinstance(metric[-1], dict) else {}
            assert "expression" in options or options.get("label", metric[1]) in shown
