#include "weights/options.h"

#include <algorithm>
#include <array>
#include <span>

#include "weights/byte_view.h"
#include "weights/text.h"

namespace giemsa {

namespace {

// The words for the values of each enumeration, in its order.
constexpr std::array<std::string_view, 3> dilation_words{"contracted", "uniform", "multi_grid"};
constexpr std::array<std::string_view, 2> stride_words{"conv1", "conv2"};
constexpr std::array<std::string_view, 2> stem_words{"7x7", "3x3,3x3,3x3"};
constexpr std::array<std::string_view, 2> pool_padding_words{"1", "same"};
constexpr std::array<std::string_view, 3> separable_words{"none", "plain", "normalized"};
constexpr std::array<std::string_view, 3> pool_branch_words{"none", "first", "last"};
constexpr std::array<std::string_view, 3> concat_words{"none", "low_first", "aspp_first"};
constexpr std::array<std::string_view, 2> edge_words{"clamp", "zero"};
constexpr std::array<std::string_view, 2> norm_words{"none", "lrn"};

// The names of the options: one list serves reading and writing.
template <class Options, class Visitor>
void visit_deeplab(Options& options, Visitor&& visit) {
  visit("output_stride", options.output_stride);
  visit("dilation", options.dilation, dilation_words);
  visit("stride_on", options.stride_on, stride_words);
  visit("stem", options.stem, stem_words);
  visit("stem_pool", options.stem_pool, pool_padding_words);
  visit("backbone_bn_eps", options.backbone_bn_eps);
  visit("aspp_rates", options.aspp_rates);
  visit("separable", options.separable, separable_words);
  visit("aspp_pool", options.aspp_pool, pool_branch_words);
  visit("after_aspp", options.after_aspp);
  visit("decoder_concat", options.decoder_concat, concat_words);
  visit("decoder", options.decoder);
  visit("head_bn_eps", options.head_bn_eps);
  visit("align_corners", options.align_corners);
  visit("upsample_edge", options.upsample_edge, edge_words);
}

template <class Options, class Visitor>
void visit_alexnet(Options& options, Visitor&& visit) {
  visit("layers", options.layers);
  visit("norm", options.norm, norm_words);
  visit("groups", options.groups);
  visit("conv1_padding", options.conv1_padding);
  visit("pool_ceil_mode", options.pool_ceil_mode);
  visit("adaptive_pool", options.adaptive_pool);
}

class Writer {
 public:
  explicit Writer(OptionTexts& texts) : texts_(texts) {}

  void operator()(const char* name, std::int64_t value) { texts_[name] = std::to_string(value); }
  void operator()(const char* name, float value) { texts_[name] = format_float(value); }
  void operator()(const char* name, bool value) { texts_[name] = value ? "true" : "false"; }
  void operator()(const char* name, const std::vector<std::string>& values) { texts_[name] = join(values); }
  void operator()(const char* name, const std::vector<std::int64_t>& values) {
    std::vector<std::string> parts;
    for (std::int64_t value : values) parts.push_back(std::to_string(value));
    texts_[name] = join(parts);
  }
  template <class Enum>
  void operator()(const char* name, Enum value, std::span<const std::string_view> words) {
    texts_[name] = words[static_cast<std::size_t>(value)];
  }

 private:
  OptionTexts& texts_;
};

class Reader {
 public:
  Reader(OptionTexts texts, ErrorKind kind) : texts_(std::move(texts)), kind_(kind) {}

  void operator()(const char* name, std::int64_t& value) { value = parse_int(take(name), kind_, name); }
  void operator()(const char* name, float& value) { value = parse_float(take(name), kind_, name); }
  void operator()(const char* name, bool& value) { value = parse_bool(take(name), kind_, name); }
  void operator()(const char* name, std::vector<std::string>& values) { values = split(take(name)); }
  void operator()(const char* name, std::vector<std::int64_t>& values) {
    values.clear();
    for (const std::string& part : split(take(name))) values.push_back(parse_int(part, kind_, name));
  }
  template <class Enum>
  void operator()(const char* name, Enum& value, std::span<const std::string_view> words) {
    const std::string text = take(name);
    const auto word = std::ranges::find(words, text);
    check(word != words.end(), kind_, name, ": ", in_quotes(text), " is none of ",
          join(std::vector<std::string>(words.begin(), words.end()), ", "));
    value = static_cast<Enum>(word - words.begin());
  }

  void finish() const {
    check(texts_.empty(), kind_, "this network has no option ", texts_.empty() ? "" : in_quotes(texts_.begin()->first));
  }

 private:
  std::string take(const char* name) {
    const auto entry = texts_.extract(name);
    check(!entry.empty(), kind_, "option '", name, "' is missing");
    return entry.mapped();
  }

  OptionTexts texts_;
  ErrorKind kind_;
};

}  // namespace

OptionTexts to_text(const DeepLabOptions& options) {
  OptionTexts texts;
  visit_deeplab(options, Writer(texts));
  return texts;
}

OptionTexts to_text(const AlexNetOptions& options) {
  OptionTexts texts;
  visit_alexnet(options, Writer(texts));
  return texts;
}

DeepLabOptions parse_deeplab_options(const OptionTexts& texts, ErrorKind kind) {
  DeepLabOptions options;
  Reader reader(texts, kind);
  visit_deeplab(options, reader);
  reader.finish();

  constexpr std::int64_t largest_rate = 1024;
  const std::int64_t stride = options.output_stride;
  check(stride == 8 || stride == 16 || stride == 32, kind, "output_stride: ", stride, " is none of 8, 16, 32");
  check(options.aspp_rates.size() == 3, kind, "aspp_rates: ", options.aspp_rates.size(),
        " rates given, the ASPP has 3");
  for (std::int64_t rate : options.aspp_rates)
    check(rate >= 1 && rate <= largest_rate, kind, "aspp_rates: ", rate, " is not between 1 and ", largest_rate);
  check(options.backbone_bn_eps > 0 && options.head_bn_eps > 0, kind, "a batch norm's eps must be positive");
  check(!options.align_corners || options.upsample_edge == EdgeMode::clamp, kind,
        "align_corners: upsampling by a fixed transposed convolution (upsample_edge zero) cannot align corners");
  return options;
}

AlexNetOptions parse_alexnet_options(const OptionTexts& texts, ErrorKind kind) {
  AlexNetOptions options;
  Reader reader(texts, kind);
  visit_alexnet(options, reader);
  reader.finish();

  // Nothing else could be told from the names that the graph gives to layers without weights.
  const auto is_plain = [](std::string_view name) {
    constexpr std::array<std::string_view, 4> stems{"features.", "classifier.", "conv", "fc"};
    return std::ranges::any_of(stems, [&](std::string_view stem) {
      return name.starts_with(stem) && name.size() > stem.size() &&
             name.find_first_not_of("0123456789", stem.size()) == std::string_view::npos;
    });
  };
  for (const std::string& name : options.layers)
    check(is_plain(name) && std::ranges::count(options.layers, name) == 1, kind, "layers: ", in_quotes(name),
          " is not the name of one layer: features.N, classifier.N, convN or fcN");
  check(options.layers.size() == 8, kind, "layers: ", options.layers.size(), " named, AlexNet has 8");
  check(options.groups == 1 || options.groups == 2, kind, "groups: ", options.groups, " is neither 1 nor 2");
  check(options.conv1_padding >= 0 && options.conv1_padding <= 5, kind, "conv1_padding: ", options.conv1_padding,
        " is not between 0 and 5");
  return options;
}

}  // namespace giemsa
