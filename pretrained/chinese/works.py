"""Which works `make_text.py` reads, who wrote them, and which it leaves out.

The dates are those of the authors' deaths. A work of an author who died in 1956 or later is not taken, nor one by an
author of the Republic whose dates could not be found.
"""

MODERN = {
    "陈天华": (1905, "猛回头 狮子吼 警世钟 绝命辞"),
    "李涵秋": (1923, "广陵潮 侠凤奇缘 战地莺花录"),
    "张杰鑫": (1927, "三侠剑"),
    "石评梅": (1928, "一寸相思一寸灰 偶然草"),
    "梁启超": (1929, "新中国未来记 少年中国说"),
    "徐志摩": (1931, "猛虎集 自剖"),
    "柔石": (1931, "二月 三姊妹 旧时代之死 希望 为奴隶的母亲 还乡记"),
    "蒋光慈": (1931, "冲出云围的月亮 少年漂泊者 菊芬 鸭绿江上"),
    "彭家煌": (1933, "在潮神庙 喜讯"),
    "庐隐": (
        1934,
        "庐隐文集 象牙戒指 一个情妇的日记 丽石的日记 思潮 月夜孤舟 曼丽 归雁 春愁何处是归程 海滨故人 火焰 咖啡店",
    ),
    "洪灵菲": (1934, "前线"),
    "瞿秋白": (1935, "赤都心史 饿乡纪程 多余的话 涴漫的狱中日记"),
    "曾朴": (1935, "孽海花"),
    "鲁迅": (1936, "呐喊 彷徨 朝花夕拾"),
    "徐枕亚": (1937, "玉梨魂"),
    "穆时英": (1940, "公墓 五月 穆时英作品集"),
    "刘呐鸥": (1940, "都市风景线"),
    "许地山": (1941, "落花生 空山灵雨 玉官 铁鱼的鳃"),
    "萧红": (1942, "回忆鲁迅先生"),
    "赖和": (1943, "惹事"),
    "李宗吾": (1943, "厚黑学"),
    "蔡东藩": (
        1945,
        "前汉通俗演义 后汉通俗演义 两晋通俗演义 南北史通俗演义 唐史通俗演义 五代史通俗演义 宋史通俗演义 元史通俗演义"
        " 明史通俗演义 清史通俗演义 慈禧太后演义",
    ),
    "郁达夫": (1945, "沉沦 春风沉醉的晚上 在寒风里 闲书 文学概说 小说论"),
    "夏丏尊": (1946, "文艺论ABC"),
    "闻一多": (1946, "死水"),
    "叶楚伧": (1946, "如此京华 古戍寒笳记"),
    "朱自清": (1948, "春 语文零拾"),
    "许寿裳": (1948, "亡友鲁迅印象记 鲁迅的思想与生活"),
    "戴望舒": (1950, "我的记忆 望舒草 灾难的岁月"),
    "周大荒": (1951, "反三国演义"),
    "陶晶孙": (1952, "木樨 散文戏剧作品集"),
    "蔡东藩、许廑父": (1953, "民国通俗演义"),
}
"""The authors of the folder 近代 of the repository SHU, when they died, and their works there."""
COLLECTED = {
    "郁达夫大全集": ("郁达夫", 1945, r"^第2章", None),
    "萧红经典全集": ("萧红", 1942, r"^第2章", r"^第40章"),
}
"""The volumes of the repository LIBRARY: author, year of death, where the work begins and where it ends."""
ESSAYS = {"朱自清散文": ("朱自清", 1948, r"^　*朱自清散文全编 +匆匆", None)}
"""The same of the repository STORY."""
LUXUN = "坟 热风 华盖集 华盖集续编 华盖集续编的续编 而已集 三闲集 二心集 野草 故事新编"
"""The collections of the repository LUXUN."""

DIED = {
    "许啸天": 1946,
    "蔡东藩": 1945,
    "惜华楼主": 1944,
    "陆士谔": 1944,
    "天虚我生": 1940,
    "徐枕亚": 1937,
    "曾朴": 1935,
    "张春帆": 1935,
    "苏曼殊": 1918,
}
"""The authors of the Republic among those of the repository NOVELS."""
NOT_FREE = (
    "一层楼 梦红楼梦 上古秘史 御香缥缈录 张文祥刺马案 观音菩萨传奇 杨乃武与小白菜 汉代宫廷艳史 宋代宫闱史"
    " 宋代十八朝艳史演义 隋代宫闱史 青红帮演义 西太后艳史演义 昭君艳史演义 西施艳史演 貂蝉艳史演义"
    " 贵妃艳史演义 神魔列国志 天女散花 八仙得道 林公案 春阿氏谋夫案 红楼春梦 破镜重圆 九云记"
)
"""Later translations, and works whose author died in 1956 or later, or is not known and may have."""
EROTIC = (
    "金瓶梅 三续金瓶梅 续金瓶梅 金屋梦 隔帘花影 肉蒲团 姑妄言 僧尼孽海 八段锦 巫山艳史 国色天香 欢喜冤家"
    " 杏花天 浓情快史 灯月缘 灯草和尚 痴婆子传 绣榻野史 花神三妙传 妖狐艳史 戏中戏 鸳鸯阵 玉楼春 空空幻"
    " 绮楼重梦 笔梨园 艳异编 艳异编续集 祁生天缘奇遇 醋葫芦 情史 野叟曝言"
)
"""What was banned for what it shows in bed."""
VALIDATION = ("李渔", "邗上蒙人", "许地山", "柔石")
TEST = ("凌濛初", "吴敬梓", "曾朴", "徐志摩", "萧红")
"""Authors who are held out whole, from Ming to the Republic."""
