"""Makes the PDF and Word files of this folder: `python -m tests.documents.make`. Needs Chromium, fpdf2 and DejaVu.

The tests read what is committed; this tells how it came to be. The words are ours.
"""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

from fpdf import FPDF
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
FONTS = Path("/usr/share/fonts/truetype/dejavu")

REPORT = """<style>*{font-weight:400!important;font-style:normal!important} body{font:11pt 'DejaVu Serif'} h1{text-align:center;font-size:15pt} h2{font-size:13pt}
p{text-align:justify;text-indent:1cm} table{border-collapse:collapse;width:100%} td,th{border:1px solid;padding:3px}</style>
<h1>Báo cáo tình hình cấp nước nông thôn năm 2023</h1>
<p>Trung tâm Nước sạch nông thôn tỉnh Vàm Giang báo cáo kết quả cấp nước năm 2023 và kế hoạch năm 2024 như sau. Số liệu tính
đến hết ngày 31 tháng 12 năm 2023, tổng hợp từ báo cáo của chín huyện và hai thành phố trực thuộc tỉnh.</p>
<h2>I. Kết quả đạt được</h2>
<p>Toàn tỉnh có 214 trạm cấp nước đang hoạt động, tăng 11 trạm so với năm 2022. Tỷ lệ hộ dân nông thôn dùng nước sạch đạt 87,4%,
vượt 1,4 điểm phần trăm so với chỉ tiêu Hội đồng nhân dân tỉnh giao.</p>
<table><tr><th>Huyện</th><th>Số trạm</th><th>Tỷ lệ hộ dùng nước sạch (%)</th></tr><tr><td>Phú Điền</td><td>32</td><td>91,2</td></tr>
<tr><td>Long Hòa</td><td>27</td><td>84,6</td></tr><tr><td>Tân Phước</td><td>19</td><td>79,9</td></tr></table>
<p>Chất lượng nước được kiểm tra định kỳ: trong 1.284 mẫu lấy ở vòi của hộ dân, 1.201 mẫu đạt quy chuẩn, chiếm 93,5%. Các mẫu
không đạt chủ yếu do độ mặn tăng trong tháng 3 và tháng 4.</p>
<h2 style="page-break-before:always">II. Khó khăn</h2>
<p>Hạn mặn kéo dài 74 ngày làm 38 trạm phải giảm công suất. Có 5.600 hộ ở các ấp ven biển thiếu nước ngọt trong mùa khô, phải
mua nước chở bằng ghe với giá từ 60.000 đến 90.000 đồng một mét khối. Ở nhiều nơi, đường ống lắp đặt từ trước năm 2005 đã xuống
cấp, tỷ lệ thất thoát nước lên tới 28%, cao hơn mức bình quân của vùng là 21%, trong khi kinh phí sửa chữa hằng năm chỉ đáp ứng
được một phần ba nhu cầu của các trạm.</p>
<h2>III. Kế hoạch năm 2024</h2>
<p>Trung tâm đề nghị đầu tư 46 tỷ đồng để thay 120 km đường ống, xây bốn hồ chứa nước ngọt và lắp đồng hồ thông minh cho 10.000
hộ. Phấn đấu đến cuối năm 2024, tỷ lệ hộ dùng nước sạch đạt 89%.</p>"""

TWO_COLUMNS = """<style>*{font-weight:400!important;font-style:normal!important} body{font:9.5pt 'DejaVu Sans'} h1{text-align:center;font-size:20pt;margin:0 0 4pt}
.date{text-align:center;font-style:italic} .cols{column-count:2;column-gap:10mm;text-align:justify} h2{font-size:12pt;margin:6pt 0}</style>
<h1>Làng nghề dệt chiếu Long Hòa đổi mới</h1><p class="date">Hoàng Mai, 21/08/2023</p><div class="cols">
<p>Làng chiếu Long Hòa có từ hơn một trăm năm nay. Thời hưng thịnh, cả làng có 420 khung dệt, mỗi năm bán ra ba mươi vạn đôi chiếu
khắp các chợ miền Tây. Đến năm 2015, số khung dệt chỉ còn 65, thợ trẻ bỏ làng lên thành phố làm công nhân.</p>
<p>Năm 2019, hợp tác xã chiếu Long Hòa ra đời với 28 thành viên. Việc đầu tiên là thay cây lác giống cũ bằng giống lác bông trắng
cao 1,9 mét, sợi dai và bóng hơn. Vùng nguyên liệu nay rộng 52 héc ta.</p>
<h2>Máy dệt và tay thợ</h2>
<p>Hợp tác xã mua mười hai máy dệt bán tự động, mỗi máy cho tám chiếc chiếu một ngày, gấp bốn lần dệt tay. Nhưng những đôi chiếu
hoa cưới vẫn do các nghệ nhân dệt tay, giá 1,6 triệu đồng một đôi.</p>
<p>Bà Lâm Thị Sáu, 71 tuổi, dạy nghề miễn phí cho ba mươi thanh niên trong xã. Bà nói nghề chiếu cần đôi mắt tinh và lòng kiên nhẫn,
máy chỉ làm thay được phần nặng nhọc.</p>
<h2>Ra thị trường nước ngoài</h2>
<p>Tháng 3 năm 2023, lô hàng đầu tiên gồm 2.400 chiếc chiếu du lịch được xuất sang Hàn Quốc. Hợp tác xã đang làm hồ sơ để chiếu
Long Hòa được bảo hộ chỉ dẫn địa lý trước năm 2025.</p>
<p>Ông Phan Văn Lực, giám đốc hợp tác xã, cho biết doanh thu năm 2022 đạt 7,8 tỷ đồng, thu nhập bình quân của thợ là 6,5 triệu đồng
một tháng, bằng với đi làm công nhân mà được ở gần nhà.</p></div>"""

OFFICIAL = """<style>*{font-weight:400!important;font-style:normal!important} body{font:11pt 'DejaVu Serif'} .h{width:100%} .h td{text-align:center;vertical-align:top} p{text-align:justify;text-indent:1cm}
.t{text-align:center;font-weight:bold;text-indent:0;margin:2pt}</style>
<table class="h"><tr><td>ỦY BAN NHÂN DÂN<br><b>TỈNH VÀM GIANG</b></td><td><b>CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM<br>Độc lập - Tự do - Hạnh phúc</b></td></tr>
<tr><td>Số: 145/KH-UBND</td><td><i>Vàm Giang, ngày 15 tháng 3 năm 2024</i></td></tr></table>
<p class="t">KẾ HOẠCH</p><p class="t">Triển khai chương trình ngoại giao kinh tế năm 2024</p>
<p>Thực hiện chương trình công tác năm 2024, Ủy ban nhân dân tỉnh ban hành Kế hoạch triển khai chương trình ngoại giao kinh tế với
những nội dung sau:</p>
<p><b>1. Mục tiêu</b></p><p>Thu hút ít nhất 12 dự án đầu tư nước ngoài với tổng vốn đăng ký 450 triệu USD; đưa kim ngạch xuất khẩu
của tỉnh đạt 1,9 tỷ USD.</p><p><b>2. Nhiệm vụ</b></p>
<p>a) Tổ chức sáu đoàn xúc tiến thương mại tại Nhật Bản, Hàn Quốc, Ấn Độ, Đức, Hà Lan và Hoa Kỳ.</p>
<p>b) Xây dựng cơ sở dữ liệu về doanh nghiệp xuất khẩu, hoàn thành trước ngày 30 tháng 9 năm 2024.</p>
<p><b>3. Kinh phí</b></p><p>Kinh phí thực hiện là 8,2 tỷ đồng, lấy từ ngân sách tỉnh và nguồn xã hội hóa.</p>
<p>Giao Sở Ngoại vụ chủ trì theo dõi, báo cáo Ủy ban nhân dân tỉnh trước ngày 15 tháng 12 năm 2024./.</p>
<table class="h"><tr><td style="text-align:left"><i>Nơi nhận:</i><br>- Bộ Ngoại giao;<br>- Lưu: VT.</td><td><b>KT. CHỦ TỊCH<br>PHÓ CHỦ TỊCH<br><br>Lê Thị Hạnh</b></td></tr></table>"""

RELEASE = """<style>*{font-weight:400!important;font-style:normal!important} body{font:11pt 'DejaVu Sans'} li{margin:3pt 0}</style>
<h1>Hội chợ Nông sản Vàm Giang mở cửa từ ngày 20/12</h1><p><b>Ngày 05/12/2024</b></p>
<p>Hội chợ Nông sản Vàm Giang lần thứ chín diễn ra từ ngày 20 đến ngày 26 tháng 12 tại Trung tâm Triển lãm tỉnh với 310 gian hàng.</p>
<p>Các hoạt động chính:</p><ul><li>Hội thi trái ngon với 85 nhà vườn tham dự;</li><li>Phiên kết nối giao thương với 40 nhà mua hàng nước ngoài;</li>
<li>Đêm nhạc đường phố vào tối thứ bảy.</li></ul><p>Vé vào cửa miễn phí cho học sinh và người trên 60 tuổi. Ban tổ chức dự kiến đón 15 vạn lượt khách.</p>"""


def print_pages() -> None:
    """The four that Chromium prints."""
    head = (
        "<div style='font-size:8px;width:100%;text-align:center'>Trung tâm Nước sạch nông thôn - Báo cáo năm 2023</div>"
    )
    foot = "<div style='font-size:8px;width:100%;text-align:center'>Trang <span class=pageNumber></span>/<span class=totalPages></span></div>"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_page()
        for name, html, header, footer in (
            ("bao-cao", REPORT, head, foot),
            ("hai-cot", TWO_COLUMNS, "<span></span>", foot),
            ("ke-hoach", OFFICIAL, "", ""),
            ("thong-cao", unicodedata.normalize("NFD", RELEASE), "", ""),
        ):
            page.set_content(f"<html lang=vi><body>{html}</body></html>")
            page.pdf(
                path=HERE / f"{name}.pdf",
                format="A4",
                margin={"top": "20mm", "bottom": "20mm", "left": "22mm", "right": "18mm"},
                display_header_footer=bool(header),
                tagged=False,
                header_template=header,
                footer_template=footer,
            )
        browser.close()


class Journal(FPDF):  # type: ignore[misc]
    """Running heads that differ on odd and even pages, numbers at the foot."""

    def header(self) -> None:
        self.set_font("dejavu", size=8)
        odd = self.page_no() % 2
        self.cell(
            0,
            8,
            "Tạp chí Khoa học Vàm Giang, số 4 (2022)" if odd else "Trần Bảo Châu và cộng sự",
            align="R" if odd else "L",
        )
        self.ln(12)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("dejavu", size=8)
        self.cell(0, 8, f"- {self.page_no()} -", align="C")


def pdf(kind: type[FPDF] = FPDF) -> FPDF:
    made = kind()
    made.add_font("dejavu", fname=FONTS / "DejaVuSans.ttf")
    made.add_font("dejavu", "B", FONTS / "DejaVuSans-Bold.ttf")
    made.add_page()
    return made


def say(page: FPDF, text: str, size: float = 11, style: str = "", align: str = "J") -> None:
    page.set_font("dejavu", style, size)
    page.multi_cell(0, size * 0.55, text, align=align, new_x="LMARGIN", new_y="NEXT")
    page.ln(2)


JOURNAL = [
    ("H", "1. Mở đầu"),
    ("P", "Rừng ngập mặn ven biển tỉnh Vàm Giang có diện tích 4.120 ha, giảm 18% so với năm 2002. Nghiên cứu này đo lượng các-bon tích "
     "lũy trong đất và trong sinh khối tại sáu ô mẫu, mỗi ô rộng 500 mét vuông, từ tháng 1 đến tháng 12 năm 2021."),
    ("H", "2. Phương pháp"),
    ("P", "Mẫu đất được lấy ở bốn độ sâu: 0-15 cm, 15-30 cm, 30-50 cm và 50-100 cm. Đường kính thân cây đo ở độ cao 1,3 mét. Hàm lượng "
     "các-bon hữu cơ xác định bằng phương pháp đốt khô, mỗi mẫu lặp lại ba lần."),
    ("P", "Sinh khối trên mặt đất tính theo phương trình tương quan của từng loài, gồm đước, mắm trắng và bần chua. Sai số của phép đo "
     "được ước lượng bằng cách lấy mẫu lặp một nghìn lần."),
    ("H", "3. Kết quả"),
    ("P", "Trữ lượng các-bon trung bình là 512 tấn trên một ha, trong đó 78% nằm trong đất. Ô mẫu rừng đước 25 năm tuổi có trữ lượng cao "
     "nhất, 690 tấn trên một ha; ô rừng mới trồng ba năm chỉ đạt 187 tấn."),
    ("P", "Ở các ô gần cửa sông, lượng các-bon trong lớp đất sâu hơn 50 cm cao hơn hẳn so với các ô phía trong đê, chênh lệch trung bình "
     "41 tấn trên một ha, phù hợp với kết quả công bố ở các vùng cửa sông khác của đồng bằng."),
    ("P", "Độ mặn của nước trong đất dao động từ 12 đến 31 phần nghìn. Không thấy tương quan rõ giữa độ mặn và trữ lượng các-bon, nhưng "
     "thấy tương quan thuận giữa tuổi rừng và trữ lượng, với hệ số tương quan 0,83."),
    ("H", "4. Kết luận"),
    ("P", "Bảo vệ rừng già có lợi hơn trồng mới về mặt tích lũy các-bon. Nhóm tác giả kiến nghị đưa 1.150 ha rừng đước trên 20 năm tuổi "
     "vào diện bảo vệ nghiêm ngặt trước năm 2025."),
]  # fmt: skip


def draw_pages() -> None:
    """The three that fpdf2 draws."""
    journal = pdf(Journal)
    journal.set_auto_page_break(auto=True, margin=110)
    journal.set_title("Microsoft Word - bai bao 2022 sua lan 3.doc")
    say(journal, "Tích lũy các-bon của rừng ngập mặn ven biển Vàm Giang", 16, "B", "C")
    say(journal, "Trần Bảo Châu, Nguyễn Quý", 10, "", "C")
    say(journal, "Ngày đăng: 30/12/2022", 10, "", "C")
    for kind, text in JOURNAL:
        say(journal, text, 12 if kind == "H" else 11, "B" if kind == "H" else "")
    journal.output(str(HERE / "tap-chi-khoa-hoc.pdf"))

    decision = pdf()
    for line in ("BỘ NÔNG VỤ", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "Số: 77/QĐ-BNV", "Hà Nội, ngày 9 tháng 6 năm 2021",
                 "QUYẾT ĐỊNH", "Về việc ban hành Quy chế sử dụng xe ô tô công", "BỘ TRƯỞNG BỘ NÔNG VỤ"):  # fmt: skip
        say(decision, line, 12, "B", "C")
    for line in (
        "Căn cứ Nghị định quy định tiêu chuẩn, định mức sử dụng xe ô tô;",
        "Theo đề nghị của Chánh Văn phòng Bộ,",
        "QUYẾT ĐỊNH:",
        "Điều 1. Ban hành kèm theo Quyết định này Quy chế sử dụng xe ô tô công của Bộ Nông vụ.",
        "Điều 2. Xe ô tô công chỉ dùng cho công vụ; lái xe ghi sổ hành trình từng chuyến, lưu giữ trong 24 tháng.",
        "Điều 3. Quyết định này có hiệu lực từ ngày 01 tháng 7 năm 2021 và thay thế Quyết định số 15/QĐ-BNV.",
        "Điều 4. Chánh Văn phòng, Vụ trưởng Vụ Tài chính và thủ trưởng các đơn vị chịu trách nhiệm thi hành Quyết định này./.",
    ):
        say(decision, line, 12, "B" if line.isupper() else "")
    decision.output(str(HERE / "quyet-dinh.pdf"))

    scan = pdf()
    say(scan, "Biên bản kiểm kê kho lưu trữ năm 2020", 16, "B", "C")
    say(scan, "Ngày 30/12/2020", 10, "", "C")
    say(scan, "Tổ kiểm kê đã kiểm đếm 3.412 hộp hồ sơ tại kho số 2, trong đó 57 hộp bị ẩm mốc cần xử lý ngay.")
    scan.add_page()
    from PIL import Image

    scan.image(Image.effect_noise((40, 60), 40), x=20, y=20, w=170)
    scan.add_page()
    say(scan, "Tổ kiểm kê đề nghị mua thêm hai máy hút ẩm và thay bóng đèn ở dãy kệ C trước ngày 15 tháng 1 năm 2021.")
    scan.output(str(HERE / "kiem-ke.pdf"))


NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%s</Relationships>"""
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STYLES = f"""<w:styles {NAMESPACE}>
<w:style w:type="paragraph" w:default="1" w:styleId="Binhthng"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Tiu"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="u1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="u2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Chuthich"><w:name w:val="caption"/></w:style></w:styles>"""
NUMBERING = f"""<w:numbering {NAMESPACE}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num></w:numbering>"""


def run(text: str, *, bold: bool = False) -> str:
    return f'<w:r>{"<w:rPr><w:b/></w:rPr>" if bold else ""}<w:t xml:space="preserve">{text}</w:t></w:r>'


def para(text: str, style: str = "", *, bold: bool = False, number: int = 0) -> str:
    """A paragraph of plain `text`, or of runs."""
    inner = text if text.startswith("<") else run(text, bold=bold)
    listed = f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{number}"/></w:numPr>' if number else ""
    return f'<w:p><w:pPr>{f"""<w:pStyle w:val="{style}"/>""" if style else ""}{listed}</w:pPr>{inner}</w:p>'


def table(*rows: list[str]) -> str:
    cells = ("".join(f"<w:tc>{''.join(map(para, cell.split('//')))}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def word(name: str, body: str, *, core: str = "", parts: dict[str, str] | None = None) -> None:
    """A Word file of that body; `parts` are further parts by name: footnotes, comments, header1."""
    parts = {"styles": STYLES, "numbering": NUMBERING} | (parts or {})
    kinds = {"header1": "header", "footer1": "footer"}
    links = "".join(
        f'<Relationship Id="p{n}" Type="{OFFICE}/{kinds.get(part, part)}" Target="{part}.xml"/>'
        for n, part in enumerate(parts)
    )
    with zipfile.ZipFile(HERE / f"{name}.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", RELATIONS % (
            f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/>'
            '<Relationship Id="r2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
        ))  # fmt: skip
        archive.writestr("word/_rels/document.xml.rels", RELATIONS % links)
        archive.writestr("word/document.xml", f"<w:document {NAMESPACE}><w:body>{body}</w:body></w:document>")
        archive.writestr("docProps/core.xml", (
            '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
            f'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{core}</cp:coreProperties>'
        ))  # fmt: skip
        for part, content in parts.items():
            archive.writestr(f"word/{part}.xml", content)


def write_words() -> None:
    """The five Word files."""
    note = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    remark = '<w:r><w:commentReference w:id="0"/></w:r>'
    word(
        "bao-cao-doi-ngoai",
        para("Báo cáo công tác đối ngoại quý I năm 2024", "Tiu")
        + para("Ngày 02/04/2024")
        + para("Kết quả nổi bật", "u1")
        + para(
            run("Quý I năm 2024, tỉnh đón 26 đoàn khách quốc tế với 312 lượt người, tăng 30% so với cùng kỳ.")
            + note
            + remark
        )
        + para("Ba hoạt động đáng chú ý là:")
        + para("Hội nghị gặp gỡ Hàn Quốc;", number=1)
        + para("Tuần văn hóa Ấn Độ;", number=1)
        + para("Lễ ký kết hợp tác với tỉnh Chiba.", number=1)
        + para("Số liệu", "u1")
        + table(
            ["Nước", "Số đoàn", "Lượt người"], ["Hàn Quốc", "9", "121"], ["Nhật Bản", "7", "84"], ["Ấn Độ", "4", "57"]
        )
        + para(
            "Trong quý II, Sở Ngoại vụ sẽ trình kế hoạch đoàn ra của lãnh đạo tỉnh và tổ chức hai lớp tập huấn lễ tân."
        ),
        core="<dc:title>Mẫu báo cáo</dc:title><dc:creator>admin</dc:creator><dcterms:created xsi:type='dcterms:W3CDTF'>2019-01-01T00:00:00Z</dcterms:created>",
        parts={
            "footnotes": f'<w:footnotes {NAMESPACE}><w:footnote w:id="2">{para("Không tính các đoàn quá cảnh.")}</w:footnote></w:footnotes>',
            "comments": f'<w:comments {NAMESPACE}><w:comment w:id="0" w:author="Sếp">{para("Kiểm tra lại số này trước khi in!")}</w:comment></w:comments>',
        },
    )
    word(
        "cong-van",
        table(
            [
                "ỦY BAN NHÂN DÂN//XÃ PHÚ ĐIỀN//Số: 31/TB-UBND",
                "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM//Độc lập - Tự do - Hạnh phúc//Phú Điền, ngày 7 tháng 5 năm 2024",
            ]
        )
        + para("THÔNG BÁO", bold=True)
        + para("Về việc thu gom rác thải nông nghiệp trên địa bàn xã", bold=True)
        + para("Ủy ban nhân dân xã thông báo đến bà con lịch thu gom vỏ chai, bao bì thuốc bảo vệ thực vật như sau.")
        + para("1. Thời gian", bold=True)
        + para("Từ 7 giờ đến 10 giờ sáng thứ bảy tuần đầu mỗi tháng, bắt đầu từ ngày 1 tháng 6 năm 2024.")
        + para("2. Địa điểm", bold=True)
        + para("Mười hai bể chứa đặt ở đầu các tuyến kênh Ba Xã, kênh Út Dư và kênh Mương Điều.")
        + para("Hộ nào vứt rác xuống kênh sẽ bị phạt từ 500.000 đến 1.000.000 đồng theo quy định.")
        + table(["Nơi nhận://- Các ấp;//- Lưu: VT.", "CHỦ TỊCH//Nguyễn Văn Tám"]),
    )
    deleted = '<w:del w:id="1" w:author="x"><w:r><w:delText>ba trăm</w:delText></w:r></w:del>'
    inserted = f'<w:ins w:id="2" w:author="x">{run("420")}</w:ins>'
    word(
        "bai-bao-sua",
        para("Chợ nổi Cái Vàm trước mùa du lịch", "u1")
        + para("Phạm Ngọc Diễm - 18/11/2023")
        + para(run("Chợ nổi Cái Vàm hiện còn ") + deleted + inserted + run(" ghe buôn, giảm một nửa so với năm 2010."))
        + para(
            f"<w:sdt><w:sdtContent>{run('Thành phố dự kiến chi 15 tỷ đồng để giữ chợ, trong đó hỗ trợ mỗi ghe 10 triệu đồng sửa vỏ máy.')}</w:sdtContent></w:sdt>"
        )
        + para("Kế hoạch mùa du lịch", "u2")
        + para(
            "Từ tháng 12, chợ họp thêm buổi chiều thứ bảy; các bến thuyền phải có áo phao cho từng khách và niêm yết giá vé 80.000 đồng."
        )
        + "<w:sectPr/>",
        core="<dc:creator>Phạm Ngọc Diễm</dc:creator>",
        parts={
            "header1": f"<w:hdr {NAMESPACE}>{para('Bản nháp lần 2 - không phổ biến')}</w:hdr>",
            "footer1": f"<w:ftr {NAMESPACE}>{para('Trang 1')}</w:ftr>",
        },
    )
    word(
        "thong-cao-bao-chi",
        para("THÔNG CÁO BÁO CHÍ", bold=True)
        + para("Hơn 200 doanh nghiệp dự Diễn đàn Lúa gạo Đồng bằng", "Tiu")
        + para("Cần Thơ, ngày 28 tháng 8 năm 2024")
        + para(
            "Diễn đàn Lúa gạo Đồng bằng lần thứ năm khai mạc sáng nay tại Cần Thơ với hơn 200 doanh nghiệp từ 14 nước tham dự."
        )
        + para("Hình 1. Quang cảnh lễ khai mạc", "Chuthich")
        + para("Ban tổ chức công bố ba sáng kiến:", "")
        + para("Quỹ giống lúa chịu mặn trị giá 5 triệu USD;", number=2)
        + para("Sàn giao dịch tín chỉ các-bon cho ruộng lúa;", number=2)
        + para("Chương trình kho lạnh dùng chung cho hợp tác xã.", number=2)
        + para("Theo Ban tổ chức, diễn đàn năm sau sẽ diễn ra tại An Giang vào tháng 7 năm 2025."),
        core="<dc:creator>Ban tổ chức</dc:creator><dcterms:modified xsi:type='dcterms:W3CDTF'>2026-10-01T00:00:00Z</dcterms:modified>",
    )
    box = f"""<w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="wps"><w:drawing/></mc:Choice>
<mc:Fallback><w:pict><v:textbox xmlns:v="urn:schemas-microsoft-com:vml"><w:txbxContent>{para("Hộp chữ: đường dây nóng 1900 6868.")}</w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"""
    word(
        "huong-dan",
        para("Hướng dẫn nộp hồ sơ xin học bổng Đối ngoại trẻ", "u1")
        + para("Cập nhật: 10/01/2025")
        + para(
            run(
                "Học bổng Đối ngoại trẻ dành cho sinh viên năm thứ ba có điểm trung bình từ 3,2 trở lên; mỗi suất 20 triệu đồng."
            )
            + box
        )
        + para("Hồ sơ", "u2")
        + para("Đơn xin học bổng theo mẫu;", number=1)
        + para("Bảng điểm có xác nhận của trường;", number=1)
        + para("Thư giới thiệu của một giảng viên.", number=1)
        + para("Thời hạn", "u2")
        + para(
            run("Nộp hồ sơ trước ")
            + run("17 giờ ngày 15/03/2025", bold=True)
            + run(" qua bưu điện hoặc tại Văn phòng Khoa.")
        )
        + table(["Mốc", "Ngày"], ["Phỏng vấn", "05/04/2025"], ["Công bố", "20/04/2025"])
        + para("Mọi thắc mắc xin gửi về Văn phòng Khoa Quan hệ quốc tế trong giờ hành chính."),
    )


if __name__ == "__main__":
    print_pages()
    draw_pages()
    write_words()
