// Indexes by labels, so that what a selector selects is found without a look at a whole namespace: objects by each of their labels,
// and objects with a selector by one label that it demands.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/selectors/demanded_label.h"
#include "client/informer.h"

namespace pintle::client {

inline constexpr const char* labels_index = "labels";
inline constexpr const char* selectors_index = "selectors";

// One value of both indexes. Without a label: of a selector that demands none.
std::string labelled_value(std::string_view namespace_name, std::string_view label, std::string_view value);
inline std::string unlabelled_value(std::string_view namespace_name) { return labelled_value(namespace_name, {}, {}); }

template <class T>
void index_labels(Informer<T>& informer) {
  informer.add_index(labels_index, [](const T& object) {
    std::vector<std::string> out;
    out.reserve(object.metadata.labels.size());
    for (const auto& [label, value] : object.metadata.labels) out.push_back(labelled_value(object.metadata.namespace_, label, value));
    return out;
  });
}

// Of those labels the value that the fewest objects of the labels' index stand under; "": nothing is demanded.
std::string rarest_label(const ObjectStore& store, std::string_view namespace_name, const std::vector<apimachinery::DemandedLabel>& demanded);

// The objects of the namespace that the selector selects, in key order. CHECK: index_labels() was called.
template <class T>
std::vector<std::shared_ptr<const T>> selected(Informer<T>& informer, std::string_view namespace_name, const apimachinery::LabelSelector& selector) {
  if (selector.matches_nothing()) return {};
  const std::string rarest = rarest_label(informer.any().store(), namespace_name, apimachinery::demanded_labels(selector));
  auto out = rarest.empty() ? informer.list(namespace_name) : informer.by_index(labels_index, rarest);
  std::erase_if(out, [&](const auto& object) { return !selector.matches(object->metadata.labels); });
  return out;
}

// Objects whose selector selects nothing are not in the index.
template <class T>
void index_selectors(Informer<T>& informer, std::function<apimachinery::LabelSelector(const T&)> selector_of) {
  if (informer.has_index(selectors_index)) return;
  informer.add_index(selectors_index, [selector_of = std::move(selector_of)](const T& object) {
    std::vector<std::string> out;
    const apimachinery::LabelSelector selector = selector_of(object);
    if (selector.matches_nothing()) return out;
    const auto demanded = apimachinery::demanded_label(selector);
    out.push_back(demanded ? labelled_value(object.metadata.namespace_, demanded->first, demanded->second)
                           : unlabelled_value(object.metadata.namespace_));
    return out;
  });
}

// Those of the namespace whose selector may select what has these labels: the caller asks it. CHECK: index_selectors() was called.
template <class T>
std::vector<std::shared_ptr<const T>> perhaps_selecting(const Informer<T>& informer, std::string_view namespace_name,
                                                        const FlatMap<std::string>& labels) {
  auto out = informer.by_index(selectors_index, unlabelled_value(namespace_name));
  for (const auto& [label, value] : labels)
    for (auto& object : informer.by_index(selectors_index, labelled_value(namespace_name, label, value))) out.push_back(std::move(object));
  return out;
}

}  // namespace pintle::client
