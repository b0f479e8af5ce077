#include "client/label_index.h"

namespace pintle::client {

std::string labelled_value(std::string_view namespace_name, std::string_view label, std::string_view value) {
  std::string out;
  out.reserve(namespace_name.size() + label.size() + value.size() + 2);
  return out.append(namespace_name).append(1, '/').append(label).append(1, '=').append(value);
}

std::string rarest_label(const ObjectStore& store, std::string_view namespace_name, const std::vector<apimachinery::DemandedLabel>& demanded) {
  std::string best;
  std::size_t fewest = 0;
  for (const auto& [label, value] : demanded) {
    std::string candidate = labelled_value(namespace_name, label, value);
    const std::size_t count = store.count_by_index(labels_index, candidate);
    if (!best.empty() && count >= fewest) continue;
    best = std::move(candidate);
    fewest = count;
  }
  return best;
}

}  // namespace pintle::client
