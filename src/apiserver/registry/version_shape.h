// VersionShape: what only a definition at run time says of the objects of one version: what is dropped and filled in of a client's object, the
// columns of its table, who may own which field. Built-in resources have none: their types say it. Constant, thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apimachinery/apply/schema_view.h"
#include "apiserver/registry/strategy.h"
#include "base/status.h"

namespace pintle::apiserver::registry {

class VersionShape {
 public:
  virtual ~VersionShape() = default;

  // A client's object, or one as stored: what the schema does not declare is dropped (with `unknown`, the paths are appended there), nulls and
  // missing members get their defaults. BadRequest for what cannot be read.
  virtual Result<Unit> settle(api::Object& object, std::vector<std::string>* unknown) const = 0;
  // What server-side apply has merged: the same, but that a null stays where the schema refuses it, for validation to tell.
  virtual Result<Unit> settle_applied(api::Object& object) const = 0;
  // What a webhook or a policy has made of an object: nulls and missing members get their defaults. What is not declared stays until all have seen
  // it, as upstream's: prune() is for what is about to be stored.
  virtual Result<Unit> settle_admitted(api::Object& object) const = 0;
  virtual void prune(api::Object& object) const = 0;
  // What a conversion from another version gave: the same, but that nothing is filled in.
  virtual Result<Unit> settle_converted(api::Object& object) const = 0;
  // Of server-side apply and managed fields.
  virtual const apimachinery::SchemaView& schema_view() const = 0;
  // The JSON array of its table's columns, and the cells of an object.
  virtual std::string column_definitions() const = 0;
  virtual void table_cells(const api::Object& object, TableCells& cells) const = 0;
  // The fields that selectors may name, those of metadata aside; and an object's text of each, "" where it has none.
  virtual std::span<const std::string> selectable_fields() const = 0;
  virtual std::vector<std::string> selectable_values(const api::Object& object) const = 0;
};

}  // namespace pintle::apiserver::registry
