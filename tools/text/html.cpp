#include "tools/text/html.h"

#include "engine/base/check.h"
#include "tools/text/text.h"

namespace giemsa {

const char* const page_style = R"(<style>
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; margin: .8rem 0; }
caption { text-align: left; color: #555; padding-bottom: .3rem; }
th, td { padding: .2rem .7rem; text-align: right; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
tr > :first-child { text-align: left; }
thead { border-bottom: 1px solid #999; }
tbody tr:nth-child(even) { background: #f6f6f6; }
small { color: #666; white-space: nowrap; }
.confusion td { min-width: 4rem; }
.gallery { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; max-width: 320px; }
figure img { display: block; max-width: 100%; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin-left: 1.2rem; }
td.text { text-align: left; overflow-wrap: anywhere; }
</style>
)";

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string link_to(std::string_view path) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string link;
  for (const char c : path)
    if (plain.find(c) != std::string_view::npos)
      link += c;
    else
      link += format("%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return link;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = std::uint32_t{bytes[i]} << 16 | (left > 1 ? std::uint32_t{bytes[i + 1]} << 8 : 0) |
                                (left > 2 ? std::uint32_t{bytes[i + 2]} : 0);
    for (std::size_t digit = 0; digit < 4; ++digit)
      text += digit <= left ? digits[group >> (18 - 6 * digit) & 63] : '=';
  }
  return text;
}

void write_facts(std::ostream& out, const char* title, std::span<const std::pair<const char*, std::string>> facts) {
  out << "<h2>" << title << "</h2>\n<table><tbody>\n";
  for (const auto& [what, value] : facts)
    out << "<tr><th>" << what << "</th><td class=\"text\">" << escaped(value) << "</td></tr>\n";
  out << "</tbody></table>\n";
}

std::string inline_png(std::span<const std::uint8_t> png, std::string_view description) {
  return cat("<img alt=\"", escaped(description), "\" src=\"data:image/png;base64,", base64(png), "\">");
}

}  // namespace giemsa
