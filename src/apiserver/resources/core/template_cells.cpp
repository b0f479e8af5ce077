#include "apiserver/resources/core/template_cells.h"

#include "apimachinery/selectors/label_selector.h"

namespace pintle::apiserver::resources {

void append_template_cells(const api::core_v1::PodSpec& spec, std::string_view selector, registry::TableCells& cells) {
  std::string names;
  std::string images;
  for (const api::core_v1::Container& container : spec.containers) {
    names += (names.empty() ? "" : ",") + container.name;
    images += (images.empty() ? "" : ",") + container.image;
  }
  cells.emplace_back(names);
  cells.emplace_back(images);
  cells.emplace_back(selector);
}

std::string selector_text(const api::meta_v1::LabelSelector* selector) {
  const auto parsed = apimachinery::to_label_selector(selector);
  if (!parsed) return "<error>";
  const std::string text = parsed->to_string();
  return text.empty() ? "<none>" : text;
}

std::string selector_text(const FlatMap<std::string>& selector) {
  const std::string text = apimachinery::LabelSelector::from_set(selector).to_string();
  return text.empty() ? "<none>" : text;
}

}  // namespace pintle::apiserver::resources
