// FieldSet: a set of paths into an object, as a tree. A path is in the set when its node is a member; its children may
// be too. What a manager owns is such a set.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::apimachinery {

class FieldSet {
 public:
  struct Node;

  bool empty() const;
  const std::vector<Node>& nodes() const { return nodes_; }
  std::vector<Node>& nodes() { return nodes_; }
  const Node* find(std::string_view element) const;

  // Adds a node behind the others, for walkers; call sort() once a level is complete. Nodes that are no member and have
  // no children are left out.
  void append(std::string element, bool member, FieldSet children);
  void sort();
  // Adds the path made of fields alone: insert({"metadata", "name"}).
  void insert_fields(std::initializer_list<std::string_view> names) { insert_path(std::vector<std::string_view>(names)); }
  void insert_path(const std::vector<std::string_view>& names);

  void unite(const FieldSet& other);
  void unite(FieldSet&& other);
  // Takes away the paths that are members of `other`, not what lies below them.
  void subtract(const FieldSet& other);
  // Takes away the members of `other` and everything below them.
  void subtract_recursively(const FieldSet& other);
  // Keeps the paths that are members of both.
  void intersect(const FieldSet& other);
  bool intersects(const FieldSet& other) const;
  bool operator==(const FieldSet& other) const;

  // Each member's path in the form of messages: .metadata.labels.owner. Ends where `visit` returns false.
  void for_each(const std::function<bool(const std::string& path)>& visit) const;
  // All of them in one, in time that does not grow with the square of their number.
  static FieldSet united(std::vector<FieldSet> sets);

  // The JSON of a FieldsV1, exactly as upstream writes it; "{}" for an empty set.
  std::string to_fields_v1() const;
  // BadRequest for anything else than a FieldsV1. "" is an empty set.
  static Result<FieldSet> parse_fields_v1(std::string_view json);

 private:
  bool visit_paths(std::string& prefix, const std::function<bool(const std::string& path)>& visit) const;
  void append_json(bool self, std::string& out, std::string& scratch) const;
  void prune();

  std::vector<Node> nodes_;  // sorted by element, each once
};

struct FieldSet::Node {
  std::string element;  // see path_element.h
  bool member = false;
  FieldSet children;
  bool operator==(const Node&) const = default;
};

}  // namespace pintle::apimachinery
