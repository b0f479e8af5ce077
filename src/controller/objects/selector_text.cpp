#include "controller/objects/selector_text.h"

namespace pintle::controller::objects {

std::string selector_text(const api::meta_v1::LabelSelector* selector) {
  if (selector == nullptr) return "nil";
  std::string text = "&LabelSelector{MatchLabels:map[string]string{";
  for (const auto& [key, value] : selector->match_labels) text += key + ": " + value + ",";
  text += "},MatchExpressions:[]LabelSelectorRequirement{";
  for (const auto& expression : selector->match_expressions) {
    text += "LabelSelectorRequirement{Key:" + expression.key + ",Operator:" + expression.operator_ + ",Values:[";
    for (std::size_t i = 0; i < expression.values.size(); ++i) text += (i > 0 ? " " : "") + expression.values[i];
    text += "],},";
  }
  return text + "},}";
}

}  // namespace pintle::controller::objects
