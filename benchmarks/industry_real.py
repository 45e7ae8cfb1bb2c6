"""The industry factors on real industries: every source that the data folder holds, one table.

    python benchmarks/industry_real.py DATA_FOLDER [--out benchmarks/results/industry_real.json]

Each source is one run of `fusion-factor industry` without a stock score. Revisions by analysts and guidance by
companies are made into event tables here: both count from the day after their date, for neither has a time of day.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

UP = ("预增", "略增", "扭亏", "续盈")
DOWN = ("预减", "略减", "首亏", "续亏")
KEPT = ("factor", "rank_ic", "rank_ic_low", "rank_ic_high", "icir", "positive", "nw_t", "q1", "q5", "count")


def revisions(folder: Path) -> pd.DataFrame:
    """Reports whose text says that a forecast was raised (1) or cut (-1)."""
    reports = pd.read_parquet(folder / "reports.parquet", columns=["date", "symbol", "forecast_action"])
    reports = reports[reports["forecast_action"].isin(["up", "down"])]
    return pd.DataFrame(
        {
            "date": pd.to_datetime(reports["date"]) + pd.Timedelta(days=1),
            "symbol": reports["symbol"],
            "direction": reports["forecast_action"].map({"up": 1, "down": -1}),
        }
    )


def guidance(folder: Path) -> pd.DataFrame:
    """What companies announced of their coming result: better (1) or worse (-1) than a year before."""
    given = pd.read_parquet(folder / "earnings_guidance.parquet", columns=["announce_date", "symbol", "type"])
    direction = given["type"].map({**dict.fromkeys(UP, 1), **dict.fromkeys(DOWN, -1)})
    return pd.DataFrame(
        {
            "date": pd.to_datetime(given["announce_date"]) + pd.Timedelta(days=1),
            "symbol": given["symbol"].astype(str),
            "direction": direction,
        }
    ).dropna()


def spells_by_index_code(folder: Path) -> pd.DataFrame:
    """The spells of Shenwan industries under the codes of their indices, matched by name."""
    bars = pd.read_parquet(folder / "sw_index_bars.parquet", columns=["family", "code", "name"])
    code_of = bars[bars["family"] == "SW2021_L1"].drop_duplicates("name").set_index("name")["code"].astype(str)
    spells = pd.read_parquet(folder / "sw_industry.parquet", columns=["symbol", "l1_name", "in_date", "out_date"])
    spells["industry"] = spells["l1_name"].map(code_of.to_dict())
    spells = spells.dropna(subset=["industry"]).drop_duplicates(["symbol", "in_date"], keep="last")
    return spells[["symbol", "industry", "in_date", "out_date"]]


def run(data: str, folder: Path, root: Path, *words: str) -> pd.DataFrame:
    """One run of the stage; its table of factors, ours alone."""
    command = [sys.executable, "-m", "fusion_factor.cli", "industry", f"data={data}", f"data.folder={folder}",
               f"root={root / data}", "industry.mix.enabled=false", *words]  # fmt: skip
    subprocess.run(command, check=True)
    table = pd.read_csv(root / data / "industry" / "table.csv")
    return table[table["source"] != "published"]


def sources(folder: Path, work: Path) -> dict[str, tuple[str, ...]]:
    """Data configuration to the further words of its run."""
    for name, table in (("revisions", revisions(folder)), ("guidance", guidance(folder))):
        table.to_csv(work / f"{name}.csv", index=False)
    spells_by_index_code(folder).to_csv(work / "spells.csv", index=False)
    spells = (
        f"+data.tables.industry={{path: {work / 'spells.csv'}, columns: {{symbol: symbol, industry: industry, "
        "in_date: in_date, out_date: out_date}, spells: {kind: intervals, out_date: exclusive}}"
    )
    events = f"+industry.events={{revisions: {work / 'revisions.csv'}, guidance: {work / 'guidance.csv'}}}"
    expectation = "industry.families.expectation=[consensus_px]"
    return {
        "citic_industries": (),
        "sw_industries": (spells, events, expectation),
        "sw_baskets": (events, expectation),
        "sw_cash_quarterly": (),
        "sw_cash_annual": ("+industry.factors.cash_flow_to_profit.max_report_age=500",),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", help="some of the sources")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "industry_real.json")
    given = parser.parse_args()
    found: dict[str, list[dict[str, object]]] = {}
    if given.only and given.out.is_file():  # the sources that are not run again stay as they are
        found = json.loads(given.out.read_text())
    with tempfile.TemporaryDirectory() as work:
        for data, words in sources(given.data, Path(work)).items():
            if given.only and data not in given.only:
                continue
            table = run(data, given.data.resolve(), Path(work), *words)
            columns = [name for name in KEPT if name in table.columns]
            found[data] = json.loads(table[columns].to_json(orient="records"))
            print(data, table[columns].round(4).to_string(index=False), sep="\n", flush=True)
    given.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
