"""The report as one page that needs nothing else: English and Chinese, light and dark, desk and phone."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template

from patchword.compare.cells import Record
from patchword.compare.claim import Claim, Setup
from patchword.compare.drawing import spans, svg
from patchword.compare.report import MEASURED, Finding
from patchword.compare.results import Results
from patchword.compare.words import Text


def page(findings: Sequence[Finding], setup: Setup) -> str:
    """HTML of a whole report."""
    template = files("patchword.compare").joinpath("page.html").read_text(encoding="utf-8")
    body = [_verdicts(findings), *map(_section, findings)]
    return Template(template).substitute(head=_head(), run=_run(findings, setup), body="\n".join(body))


def _t(en: str, zh: str) -> str:
    return spans(Text(en, zh))


def _head() -> str:
    title = _t("The claims, tested", "检验论断")
    switch = '<button id="language" type="button">' + spans(Text("中文", "English")) + "</button>"
    return f"<header><h1>{title}</h1>{switch}</header>"


def _run(findings: Sequence[Finding], setup: Setup) -> str:
    cells = sum(len(finding.records) for finding in findings)
    minutes = sum(finding.seconds for finding in findings) / 60
    size = ("full", "完整") if setup.full else ("quick", "快速")
    machines = sorted({record.versions.get("machine", "?") for f in findings for record in f.records})
    run = _t(
        f"{size[0].capitalize()} size, first seed {setup.seed}: {cells:,} cells, {minutes:,.1f} minutes of one thread.",
        f"{size[1]}规模，首个种子 {setup.seed}：{cells:,} 个单元，单线程共 {minutes:,.1f} 分钟。",
    )
    where = escape("; ".join(machines))
    return f"<p>{run} {where}</p>"


def _verdicts(findings: Sequence[Finding]) -> str:
    rows = []
    for finding in findings:
        claim = finding.claim
        why = "" if finding.verdict is None else spans(finding.verdict.why)
        link = f'<a href="#claim-{claim.number}">{spans(claim.title)}</a>'
        rows.append(f"<tr><td>{claim.number}</td><td>{link}</td><td>{_verdict(finding)}</td><td>{why}</td></tr>")
    names = (("#", "#"), ("claim", "论断"), ("verdict", "判定"), ("figures", "数字"))
    head = "".join(f"<th>{_t(*name)}</th>" for name in names)
    return f'<table class="verdicts"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _verdict(finding: Finding) -> str:
    return f'<span class="verdict {finding.outcome.en}">{spans(finding.outcome)}</span>'


def _section(finding: Finding) -> str:
    claim = finding.claim
    parts = [
        f"<h2><small>{claim.number}</small> {spans(claim.title)}</h2>",
        f"<blockquote><p>{spans(claim.said)}<br><small>{spans(claim.source)}</small></p></blockquote>",
        f"<p>{_verdict(finding)}</p>",
    ]
    if finding.verdict is not None:
        parts.append(f"<p>{spans(finding.verdict.why)}</p>")
        if finding.verdict.needs is not None:
            parts.append(f"<p>{_t('To decide it: ', '若要判定：')}{spans(finding.verdict.needs)}</p>")
    if finding.missing:
        missing = f"{finding.missing:,}"
        parts.append(f"<p>{_t(f'{missing} cells are missing.', f'还缺 {missing} 个单元。')}</p>")
    if finding.sure is not None:
        parts.append(f"<p>{_t('How sure: ', '可信程度：')}{spans(finding.sure)}</p>")
    if finding.results is not None:
        for plot in claim.plots(finding.results):
            parts.append(f"<figure><figcaption>{spans(plot.title)}</figcaption>{svg(plot)}</figure>")
        parts.append(_means(claim, finding.results))
    parts += [_rule(claim), _cells(claim, finding.records)]
    return f'<section id="claim-{claim.number}">{"".join(parts)}</section>'


def _means(claim: Claim, results: Results) -> str:
    """Every figure's mean over the seeds with its interval, a row for each of the settings."""
    settings = list(dict.fromkeys(cell.settings for cell in results.figures))
    names = list(dict.fromkeys(name for values in results.figures.values() for name in values))
    rows = []
    for each in settings:
        known = next(values for cell, values in results.figures.items() if cell.settings == each)
        values = [str(results.mean(name, *each)) if name in known else "" for name in names]
        rows.append("".join(f"<td>{escape(value)}</td>" for value in (",".join(each), *values)))
    head = "".join(f"<th>{name}</th>" for name in (_t("settings", "设置"), *map(escape, names)))
    title = _t("Means over the seeds, with 95 % intervals", "各种子的均值与 95 % 区间")
    return (
        f'<details id="means-{claim.number}"><summary>{title}</summary><div class="scroll" tabindex="0">'
        f'<table class="cells"><thead><tr>{head}</tr></thead><tbody>'
        f"{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table></div></details>"
    )


def _rule(claim: Claim) -> str:
    def item(name: tuple[str, str], text: Text) -> str:
        return f"<li><b>{_t(*name)}</b> {spans(text)}</li>"

    items = [
        item(("For it:", "支持："), claim.supports),
        item(("Against it:", "反对："), claim.contradicts),
        item(("Otherwise:", "其他："), Text("undecided at this scale.", "在此规模下未定。")),
        item(("Varied:", "变化："), claim.varied),
        item(("Held equal:", "保持相同："), claim.equal),
        *(item(("Control:", "对照："), control) for control in claim.controls),
    ]
    if claim.rates:
        rates = ", ".join(f"{rate:g}" for rate in claim.rates)
        text = Text(
            f"each side's from the grid {rates}, by validation data of the first seed.",
            f"每一边都从 {rates} 中按首个种子的验证数据选取。",
        )
        items.append(item(("Learning rate:", "学习率："), text))
    title = _t("The rule, fixed before the run", "运行之前定好的规则")
    return f'<details id="rule-{claim.number}"><summary>{title}</summary><ul>{"".join(items)}</ul></details>'


def _cells(claim: Claim, records: Sequence[Record]) -> str:
    if not records:
        return ""
    names = list(dict.fromkeys(name for record in records for name in record.figures))
    tuned = [_t("rate", "学习率")] if claim.rates else []
    heads = [_t("cell", "单元"), *tuned, *(f"{escape(name)}" for name in names), _t("seconds", "秒")]
    rows = []
    for record in records:
        values = [_exact(record.figures[name]) if name in record.figures else "" for name in names]
        rate = [f"{record.rate:g}"] if claim.rates else []
        row = "".join(f"<td>{value}</td>" for value in (*rate, *values, f"{record.seconds:.1f}"))
        rows.append(f'<tr><td title="{escape(record.command, quote=True)}">{escape(record.cell)}</td>{row}</tr>')
    head = "".join(f"<th>{name}</th>" for name in heads)
    repeat = _t("One cell alone:", "单独重复一个单元：")
    note = _t(
        f"The same bits each time on this processor and these versions; figures named {' or '.join(MEASURED)} are "
        "measured and differ.",
        f"在同样的处理器和版本上每次逐位相同；以 {'、'.join(MEASURED)} 开头的数字是测得的，会有差别。",
    )
    last = records[-1]
    versions = escape(", ".join(f"{name} {version}" for name, version in last.versions.items()))
    title = _t("All cells, and the command that repeats one", "所有单元，以及重复一个单元的命令")
    return (
        f'<details id="cells-{claim.number}"><summary>{title}</summary>'
        f"<p>{repeat} <code>{escape(last.command)}</code><br>{note}<br><small>{versions}</small></p>"
        f'<div class="scroll" tabindex="0"><table class="cells"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _exact(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
