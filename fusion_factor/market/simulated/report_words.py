"""A small grammar of analyst reports in Chinese: what a tone sounds like, in varied wording.

Companies, brokers and analysts are invented. The tone of a report decides how often its sentences are good or bad news;
everything else says nothing of it: what the company does, the rating that nearly every report keeps, risk warnings that
read like bad news and praise that reads like good news. Of some things less is better, so that no word alone tells.
"""

import numpy as np

NAME_FIRST = "华东南北金海天瑞恒新中宏国盛安泰"
NAME_SECOND = "源达信成峰锐明康宁科创智润丰辰越"
NAME_LAST = ("股份", "科技", "电子", "材料", "医药", "重工", "能源", "食品", "传媒", "化学")
BROKERS = (
    "岳麓证券", "东陵证券", "青川证券", "海曲证券", "云梦证券", "临渊证券",
    "石城证券", "北固证券", "沧浪证券", "木兰证券",
)  # fmt: skip
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", ("晓川", "文博", "思远", "雨桐", "立群", "嘉禾", "明哲", "若水")
RATINGS = ("买入", "增持", "推荐", "中性", "减持")

_MORE_IS_BETTER = (
    "营业收入", "归母净利润", "毛利率", "在手订单", "产能利用率",
    "市场份额", "新产品销量", "海外业务", "经营性现金流", "单车价值量",
)  # fmt: skip
_LESS_IS_BETTER = ("期间费用率", "渠道库存", "应收账款", "原材料成本", "资产负债率", "获客成本")
_GROWS = (
    "同比大幅增长", "环比明显改善", "超出我们此前预期", "稳步提升",
    "加速放量", "创单季新高", "快速回升", "好于行业平均",
)  # fmt: skip
_SHRINKS = (
    "同比明显下滑", "环比走弱", "低于我们此前预期", "持续承压",
    "大幅回落", "创近年新低", "增长乏力", "弱于行业平均",
)  # fmt: skip
_FALLS = ("同比下降", "得到有效控制", "环比回落", "降至近年低位", "低于我们此前预期")
_RISES = ("同比上升", "居高不下", "环比攀升", "升至近年高位", "超出我们此前预期")
_WHY = (
    "受益于下游需求", "由于行业供给变化", "主要系产品结构调整",
    "在新产线投产之后", "随着客户验证推进", "考虑到季节因素",
)  # fmt: skip
_TWISTS = {
    1: ("此前市场担心的{what}下滑并未出现", "{what}一度走弱，目前已经明显恢复", "尽管费用增加，{what}仍然超预期"),
    -1: ("{what}未能延续此前的高增长", "{what}虽有增长，但不及预期", "市场期待的{what}拐点尚未出现"),
}
_IDLE = (
    "公司主要从事相关产品的研发、生产与销售", "公司召开投资者交流会，介绍了近期经营情况",
    "公司客户遍布华东、华南及海外", "公司发布定期报告", "我们近期对公司进行了调研",
    "行业格局总体稳定", "公司拟投资建设新的生产基地",
)  # fmt: skip
_PRAISE = ("公司是细分行业龙头，长期成长空间广阔", "公司管理层经验丰富，竞争优势突出", "公司技术积累深厚，有望持续受益")
_RISKS = (
    "下游需求下滑",
    "原材料价格大幅上涨",
    "新产品推广不及预期",
    "行业竞争加剧",
    "汇率大幅波动",
    "业绩低于预期",
    "政策变化",
)
_HEADS = {
    1: ("业绩超预期", "盈利能力持续改善", "拐点已现，成长提速", "订单饱满，景气上行", "费用下降，利润弹性显现"),
    -1: ("业绩低于预期", "盈利能力承压", "短期扰动加大", "需求转弱，静待回暖", "成本上升，利润下滑"),
    0: ("经营总体平稳", "关注后续进展", "季报点评", "调研纪要", "稳步推进各项业务"),
}
_KINDS = ("点评报告", "跟踪报告", "深度跟踪", "事件点评", "动态研究")
MOST_SENTENCES = 6
STRENGTH = 1.2
"""How plainly a sentence shows the tone: a report of tone 1 has good news in 88 of 100 sentences that are not idle."""


def company(rng: np.random.Generator) -> str:
    """An invented company's short name."""
    first, second = (rows[int(rng.integers(len(rows)))] for rows in (NAME_FIRST, NAME_SECOND))
    return first + second + NAME_LAST[int(rng.integers(len(NAME_LAST)))]


def analyst(rng: np.random.Generator) -> str:
    """An invented person."""
    return SURNAMES[int(rng.integers(len(SURNAMES)))] + GIVEN[int(rng.integers(len(GIVEN)))]


def title(rng: np.random.Generator, name: str, code: str, tone: float) -> str:
    """A headline; about half of them show the tone."""
    polarity = _polarity(rng, tone, idle=0.45)
    head = _one(rng, _HEADS[polarity])
    form = int(rng.integers(3))
    if form == 0:
        return f"{name}({code})：{head}"
    if form == 1:
        return f"{name}({code}){_one(rng, _KINDS)}：{head}"
    return f"{head}——{name}{_one(rng, _KINDS)}"


def body(rng: np.random.Generator, tone: float, numbers: str, rating: str) -> str:
    """An abstract: three to six sentences in the report's tone, what it says of its forecast, and the usual ending."""
    sentences = [_sentence(rng, tone) for _ in range(int(rng.integers(3, MOST_SENTENCES + 1)))]
    sentences.insert(int(rng.integers(len(sentences) + 1)), _one(rng, _PRAISE))
    if numbers:
        sentences.append(numbers)
    sentences.append(f"维持“{rating}”评级" if rating else "暂不评级")
    risks = [_RISKS[k] for k in rng.permutation(len(_RISKS))[:3]]
    return "。".join(sentences) + "。风险提示：" + "、".join(risks) + "。"


def forecast_words(rng: np.random.Generator, year: int, now: tuple[float, float], change: float, first: bool) -> str:
    """What a report says of its forecast; a change within half a percent is none."""
    figures = f"{year}、{year + 1}年归母净利润分别为{now[0]:.2f}、{now[1]:.2f}亿元"
    if first:
        return f"首次覆盖，预计公司{figures}"
    if abs(change) <= 0.005:
        return f"{_one(rng, ('维持', '我们维持此前'))}盈利预测，预计{figures}"
    verbs = ("上调", "调高", "上修") if change > 0 else ("下调", "调低", "下修")
    return f"我们{_one(rng, verbs)}盈利预测，预计{figures}"


def _polarity(rng: np.random.Generator, tone: float, idle: float) -> int:
    """0 with the share `idle`, else 1 or -1: the more often 1 the higher the tone."""
    if rng.random() < idle:
        return 0
    return 1 if rng.standard_normal() < STRENGTH * tone else -1


def _sentence(rng: np.random.Generator, tone: float) -> str:
    polarity = _polarity(rng, tone, idle=0.25)
    if polarity == 0:
        return _one(rng, _IDLE)
    kind = rng.random()
    if kind < 0.2:
        return _one(rng, _TWISTS[polarity]).format(what=_one(rng, _MORE_IS_BETTER))
    if kind < 0.45:
        what, how = _one(rng, _LESS_IS_BETTER), _one(rng, _FALLS if polarity > 0 else _RISES)
    else:
        what, how = _one(rng, _MORE_IS_BETTER), _one(rng, _GROWS if polarity > 0 else _SHRINKS)
    return f"{_one(rng, _WHY)}，{what}{how}" if rng.random() < 0.5 else f"公司{what}{how}"


def _one(rng: np.random.Generator, rows: tuple[str, ...]) -> str:
    return rows[int(rng.integers(len(rows)))]
