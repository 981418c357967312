"""The words of a panel's workbook: its sheets, and the rules that it may set."""

from analysis.period import NATURE, SIMULATED

INDICATORS, RULES, EXPERTS, INTAKE, GROUPS, EXPERT_GROUPS, MARKS, REVIEWS = (
    "指标", "规则", "专家", "录入", "分组", "专家分组", "评分", "复核")
MEAN, MEDIAN, TRIMMED = "平均", "中位数", "截尾平均"
REPLACE, POOL, WEIGH = "替代", "合并", "加权"
YES, NO, REAL = "是", "否", "正式数据"
NEEDED = object()
ITEMS: dict[str, tuple[str, object, str]] = {  # what a rule holds, what it is where the workbook does not say, what it does
    NATURE: (f"{REAL}|{SIMULATED}", REAL, "模拟数据的每一页都注明"),
    "录入信息的最少填写数": ("count", 1, "填了几项才算录入"),
    "信息完整的最少填写数": ("count", NEEDED, "填了几项才算完整"),
    "信息完整的必填指标": ("indicators", (), "缺了就不完整；写指标的名称，以分号隔开"),
    "可评价的最少开展数": ("count", 0, "开展了几项才能评价"),
    "视为未开展的填写": ("words", ("无", "否", "没有", "未开展", "暂无"), "填了这些字，算填写，不算开展；以顿号隔开"),
    "视为开展的填写": ("words", ("有", "是"), "简短而看不出有没有开展的填写，须列在这一条或上一条"),
    "汇总方法": (f"{MEAN}|{MEDIAN}|{TRIMMED}", NEEDED, "一个阶段的各专家总分怎样成为阶段评分"),
    "截尾个数": ("count", 1, "截尾平均时两头各去掉几个"),
    "两阶段合成": (f"{REPLACE}|{POOL}|{WEIGH}", NEEDED, "有会评用会评、两阶段总分放在一起、按会评权重加权"),
    "会评权重": ("share", None, "加权时会评所占，如60%"),
    "评分小数位": ("0|1|2", "0", "最后四舍五入一次"),
    "重点差异：极差超过": ("number", None, "同一联盟各专家总分的最大差距（分）；空着就不用这一条，下同"),
    "重点差异：组间等级不同": (f"{YES}|{NO}", NO, "初评与会评的等级不同"),
    "重点差异：组间相差至少": ("number", 0, "等级不同而相差不到这些分的不列"),
    "提示：宽严超过": ("number", None, "平均偏离多少分提请讨论"),
    "不公布评分的等级": ("grade", None, "空着就都公布"),
    "公布专家名单": (f"{YES}|{NO}", NO, "是否写进评分表的专家组"),
    "内部报告写明专家姓名": (f"{YES}|{NO}", NO, "否则只写编号"),
    "分组数": ("count", None, "空着就按每组五六位专家"),
}
