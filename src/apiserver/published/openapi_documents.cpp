#include "apiserver/published/openapi_documents.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <unordered_set>

#include "apimachinery/discovery/content_hash.h"
#include "apimachinery/openapi/parameters.h"
#include "apimachinery/openapi/write_v2.h"
#include "apimachinery/schema/openapi.h"
#include "apiserver/published/merge_v2.h"
#include "base/check.h"
#include "codec/json.h"
#include "codec/value.h"
#include "component/memory.h"

namespace pintle::apiserver::published {
namespace {

namespace openapi = apimachinery::openapi;
using apimachinery::content_hash;
using apimachinery::RuntimeGroupVersion;
using apimachinery::ServedSet;
using codec::Value;
using openapi::Form;

// Clients ask for "...spec.v2@v1.0+protobuf", which is no well-formed media type; the answer names one that is.
constexpr std::string_view v2_proto_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

constexpr std::string_view v3_proto_type = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";

std::shared_ptr<const PublishedKind> published_of(const apimachinery::RuntimeResource& resource) {
  return std::dynamic_pointer_cast<const PublishedKind>(resource.published);
}

std::vector<std::shared_ptr<const PublishedKind>> kinds_of(const RuntimeGroupVersion& version) {
  std::vector<std::shared_ptr<const PublishedKind>> kinds;
  for (const auto& resource : version.described())
    if (auto kind = published_of(*resource)) kinds.push_back(std::move(kind));
  return kinds;
}

std::string name_of(std::string_view group, std::string_view version) { return "apis/" + std::string(group) + "/" + std::string(version); }

// "apis/<group>/<version>".
const RuntimeGroupVersion* find_runtime(const ServedSet& served, std::string_view name) {
  if (!name.starts_with("apis/")) return nullptr;
  name.remove_prefix(5);
  const std::size_t slash = name.find('/');
  return slash == name.npos ? nullptr : served.find_runtime(name.substr(0, slash), name.substr(slash + 1));
}

// Puts sections together: all paths, then all definitions, a comma before each but the first in JSON.
class Assembler {
 public:
  Assembler(Document& document, Section section, std::string before) : document_(document), section_(section), before_(std::move(before)) {}
  void add(std::shared_ptr<const Packed> packed) {
    if (packed->bytes() == 0) return;
    document_.stretches.push_back({next(), std::move(packed), nullptr, section_});
  }
  void add(std::shared_ptr<const PublishedKind> kind) { document_.stretches.push_back({next(), nullptr, std::move(kind), section_}); }
  // What is still to be written: where nothing was added.
  std::string rest() const { return first_ ? before_ : std::string(); }

 private:
  std::string next() {
    if (!first_) return document_.form == Form::ProtoV2 ? "" : ",";
    first_ = false;
    return before_;
  }
  Document& document_;
  const Section section_;
  const std::string before_;
  bool first_ = true;
};

struct FurtherPart {
  std::shared_ptr<const Packed> paths, definitions;
  std::size_t paths_bytes = 0, definitions_bytes = 0;
  std::string parameters;
};

// Of a whole document in JSON.
void put_into_proto(Document& document) {
  const auto value = codec::parse_json(text_of(document));
  CHECK(value, "a document of ours is JSON");
  document.stretches.clear();
  document.stretches.push_back({"", std::make_shared<const Packed>(openapi::v3_proto(*value)), nullptr, Section::Paths});
}

}  // namespace

// What making a version 2 document takes and gives.
struct OpenApiDocuments::V2Work {
  Form form = Form::JsonV2;
  std::string_view if_none_match;
  std::shared_ptr<const ServedSet> served;
  std::shared_ptr<const FurtherServers::Listed> further;
  std::shared_ptr<Document> document = std::make_shared<Document>();
};

OpenApiDocuments::OpenApiDocuments(rt::Runtime& runtime, const registry::InstalledRegistry& registry, const FurtherServers& further)
    : runtime_(runtime), registry_(registry), further_(further) {}

rt::Task<Result<rt::AsyncMutex::Lock>> OpenApiDocuments::begin(rt::Context ctx) {
  CO_TRY_ASSIGN(rt::AsyncMutex::Lock lock, co_await mutex_.lock(ctx));
  if (!hashes_) {
    std::function<void()> work = [this] {
      Hashes made;
      made.v3 = openapi::v3_hashes(registry_.served_by_table().group_versions());
      std::string text;
      for (const auto& [name, hash] : made.v3) (text += name) += hash;
      made.all = content_hash(text);
      hashes_ = std::move(made);
    };
    co_await runtime_.run_blocking(std::move(work));
  }
  co_return std::move(lock);
}

namespace {

// The parts of other servers, each given what is taken so far.
struct Merging {
  Form form;
  struct Source {
    Value paths = Value::Object{}, parameters = Value::Object{};
    std::vector<std::string> definitions;
  };
  std::vector<Source> sources;
  openapi::FurtherKinds kinds_of_own;     // what they add to definitions of ours
  std::unordered_set<std::string> kinds;  // definitions of custom kinds
  std::map<std::string, Value, std::less<>> definitions, parameters;
  std::unordered_set<std::string> paths;

  Taken taken() const {
    Taken out;
    out.path = [this](std::string_view path) { return paths.contains(std::string(path)); };
    out.definition = [this](std::string_view name) -> Value {
      if (const auto it = definitions.find(name); it != definitions.end()) return it->second;
      if (kinds.contains(std::string(name))) return Value::Object{};
      return openapi::definition_named(name, openapi::Dialect::V2);
    };
    out.parameter = [this](std::string_view name) -> Value {
      if (const auto it = parameters.find(name); it != parameters.end()) return it->second;
      const auto own = std::ranges::find(openapi::common_parameters(), name, &openapi::Parameter::name);
      return own == openapi::common_parameters().end() ? Value() : openapi::v2_parameter(*own);
    };
    return out;
  }

  void add(const FurtherVersion& version) {
    Merged merged = merge_v2(*version.openapi_v2, "/apis/" + version.group + "/" + version.version + "/", taken());
    Source& source = sources.emplace_back();
    for (const auto& [path, item] : merged.paths.as_object()) paths.emplace(path);
    for (auto& [name, definition] : merged.definitions.as_object()) {
      source.definitions.push_back(name);
      definitions.emplace(name, std::move(definition));
    }
    for (const auto& [name, parameter] : merged.parameters.as_object()) parameters.emplace(name, parameter);
    source.paths = std::move(merged.paths);
    source.parameters = std::move(merged.parameters);
    for (auto& [name, kinds] : merged.kinds) {
      const auto theirs = definitions.find(name);
      if (theirs != definitions.end()) {
        openapi::add_kinds(theirs->second, kinds);
      } else {
        auto& own = kinds_of_own[name];
        std::ranges::move(kinds, std::back_inserter(own));
      }
    }
  }

  // Once all are added: a later one may add kinds to what an earlier one brought.
  std::vector<FurtherPart> parts() const {
    std::vector<FurtherPart> out;
    for (const Source& source : sources) {
      openapi::PartWriter writer(form);
      for (const auto& [path, item] : source.paths.as_object()) writer.add_path(path, item);
      for (const std::string& name : source.definitions) writer.add_definition(name, definitions.find(name)->second);
      for (const auto& [name, parameter] : source.parameters.as_object()) writer.add_parameter(name, parameter);
      openapi::Part part = std::move(writer).finish();
      FurtherPart& made = out.emplace_back();
      made.paths_bytes = part.paths.size();
      made.definitions_bytes = part.definitions.size();
      made.paths = std::make_shared<const Packed>(part.paths);
      made.definitions = std::make_shared<const Packed>(part.definitions);
      made.parameters = std::move(part.parameters);
    }
    return out;
  }
};

// The built-in part of a version 2 document: without the add-ons that another server has, whose document tells of them.
struct OwnVersions {
  std::vector<apimachinery::ServedGroupVersion> told;
  std::vector<apimachinery::ServedGroupVersion> add_ons;  // of these
  std::string left_out;                                   // names
};

OwnVersions own_versions(const ServedSet& table, const FurtherServers::Listed& further) {
  OwnVersions out;
  for (const auto& one : table.group_versions()) {
    const auto same = [&](const auto& other) { return other.group == one.group && other.version == one.version; };
    const bool add_on = std::ranges::any_of(apimachinery::add_on_group_versions(), same);
    if (add_on && std::ranges::any_of(further.versions, [&](const auto& other) { return same(*other.second); })) {
      (out.left_out += name_of(one.group, one.version)) += ' ';
      continue;
    }
    out.told.push_back(one);
    if (add_on) out.add_ons.push_back(one);
  }
  return out;
}

Merging merge_further(const FurtherServers::Listed& further, const std::vector<std::shared_ptr<const PublishedKind>>& kinds, const OwnVersions& own,
                      Form form) {
  Merging merging{.form = form};
  const auto has_document = [](const auto& one) { return one.second->openapi_v2 != nullptr; };
  if (std::ranges::none_of(further.versions, has_document)) return merging;
  for (const auto& version : own.add_ons)
    for (std::string& name : openapi::definition_names(version)) merging.kinds.insert(std::move(name));
  for (const auto& kind : kinds) {
    const KindFacts& facts = kind->facts();
    merging.kinds.insert(apimachinery::schema::published_name(facts.group, facts.version, facts.kind));
    merging.kinds.insert(apimachinery::schema::published_name(facts.group, facts.version, facts.list_kind));
  }
  for (const auto& [name, version] : further.versions)
    if (version->openapi_v2) merging.add(*version);
  return merging;
}

}  // namespace

void OpenApiDocuments::make_v2(V2Work& work) {
  Kinds kinds;
  std::string text = hashes_->all + (work.form == Form::ProtoV2 ? "p" : "j");
  for (const auto& version : work.served->runtime())
    for (auto& kind : kinds_of(*version)) {
      text += kind->fingerprint();
      kinds.push_back(std::move(kind));
    }
  const OwnVersions own = own_versions(registry_.served_by_table(), *work.further);
  const Merging merging = merge_further(*work.further, kinds, own, work.form);
  const std::vector<FurtherPart> further = merging.parts();
  std::string made_for = own.left_out;
  for (const auto& [name, added] : merging.kinds_of_own) (made_for += name) += codec::to_json(Value(added));
  text += made_for;
  for (const FurtherPart& part : further)
    for (const auto& packed : {part.paths, part.definitions})
      for (const Packed::Piece& piece : packed->pieces()) (text += std::to_string(piece.crc)) += std::to_string(piece.bytes);
  Document& document = *work.document;
  document.etag = "\"" + content_hash(text) + "\"";
  document.form = work.form;
  document.content_type = work.form == Form::ProtoV2 ? v2_proto_type : std::string_view("application/json");
  if (names_tag(work.if_none_match, document.etag)) return;

  std::optional<BuiltIn>& built_in = built_in_[work.form == Form::ProtoV2 ? 1 : 0];
  if (!built_in || built_in->made_for != made_for) {
    const openapi::Part part = openapi::v2_part(own.told, work.form, merging.kinds_of_own);
    built_in = BuiltIn{std::make_shared<const Packed>(part.paths), std::make_shared<const Packed>(part.definitions), part.parameters, made_for};
  }
  std::size_t paths_bytes = built_in->paths->bytes(), definitions_bytes = built_in->definitions->bytes();
  std::string parameters = built_in->parameters;
  for (const auto& kind : kinds) {
    if (kind->sizes(work.form).paths == 0) (void)kind->part(work.form);
    paths_bytes += kind->sizes(work.form).paths;
    definitions_bytes += kind->sizes(work.form).definitions;
  }
  for (const FurtherPart& part : further) {
    paths_bytes += part.paths_bytes;
    definitions_bytes += part.definitions_bytes;
    if (!part.parameters.empty() && work.form == Form::JsonV2) parameters += ',';
    parameters += part.parameters;
  }
  openapi::Frame frame = openapi::frame_of(work.form, paths_bytes, definitions_bytes, parameters);
  Assembler paths(document, Section::Paths, std::move(frame.head));
  paths.add(built_in->paths);
  for (const auto& kind : kinds) paths.add(kind);
  for (const FurtherPart& part : further) paths.add(part.paths);
  Assembler definitions(document, Section::Definitions, paths.rest() + frame.between);
  definitions.add(built_in->definitions);
  for (const auto& kind : kinds) definitions.add(kind);
  for (const FurtherPart& part : further) definitions.add(part.definitions);
  document.stretches.push_back({definitions.rest(), std::make_shared<const Packed>(frame.tail), nullptr, Section::Definitions});
}

rt::Task<Result<std::shared_ptr<const Document>>> OpenApiDocuments::v2(rt::Context ctx, Form form, std::string_view if_none_match) {
  CO_TRY_ASSIGN(const rt::AsyncMutex::Lock lock, co_await begin(ctx));
  V2Work work;
  work.form = form;
  work.if_none_match = if_none_match;
  work.served = registry_.served();
  work.further = further_.listed();
  const bool first = !built_in_[form == Form::ProtoV2 ? 1 : 0];
  std::function<void()> make = [this, &work, first] {
    make_v2(work);
    if (first) component::release_free_memory();  // two megabytes that were needed once
  };
  co_await runtime_.run_blocking(std::move(make));
  co_return std::shared_ptr<const Document>(std::move(work.document));
}

std::string OpenApiDocuments::v3_hash(const RuntimeGroupVersion& version) const {
  std::string text = hashes_->all + "3";
  for (const auto& kind : kinds_of(version)) text += kind->fingerprint();
  return content_hash(text);
}

rt::Task<Result<std::shared_ptr<const Document>>> OpenApiDocuments::v3_index(rt::Context ctx) {
  CO_TRY_ASSIGN(const rt::AsyncMutex::Lock lock, co_await begin(ctx));
  const auto served = registry_.served();
  const auto further = further_.listed();
  auto document = std::make_shared<Document>();
  std::function<void()> make = [this, &served, &further, &document] {
    std::map<std::string, std::string> documents(hashes_->v3.begin(), hashes_->v3.end());
    for (const auto& version : served->runtime()) documents.emplace(name_of(version->served().group, version->served().version), v3_hash(*version));
    for (const auto& [name, version] : further->versions)
      if (!version->openapi_v3_hash.empty()) documents[name_of(version->group, version->version)] = version->openapi_v3_hash;
    const std::string text = openapi::v3_index({documents.begin(), documents.end()});
    document->etag = apimachinery::etag_of(text);
    document->content_type = "text/plain; charset=utf-8";  // as upstream has it
    document->stretches.push_back({"", std::make_shared<const Packed>(text), nullptr, Section::Paths});
  };
  co_await runtime_.run_blocking(std::move(make));
  co_return std::shared_ptr<const Document>(std::move(document));
}

void OpenApiDocuments::make_v3(const RuntimeGroupVersion& version, Document& document) {
  const Kinds kinds = kinds_of(version);
  const bool scale = std::ranges::any_of(kinds, [](const auto& kind) { return kind->facts().scale; });
  std::shared_ptr<const Packed>& references = references_[scale ? 1 : 0];
  if (!references) references = std::make_shared<const Packed>(openapi::v3_references(scale).definitions);
  openapi::Frame frame = openapi::frame_of(Form::JsonV3, 0, 0, "");
  Assembler paths(document, Section::Paths, std::move(frame.head));
  for (const auto& kind : kinds) paths.add(kind);
  Assembler definitions(document, Section::Definitions, paths.rest() + frame.between);
  for (const auto& kind : kinds) definitions.add(kind);
  definitions.add(references);
  document.stretches.push_back({std::move(frame.tail), nullptr, nullptr, Section::Definitions});
}

rt::Task<Result<std::optional<OpenApiDocuments::V3>>> OpenApiDocuments::v3(rt::Context ctx, std::string_view name, std::optional<Form> form,
                                                                           std::string_view if_none_match) {
  const auto further = further_.listed();
  for (const auto& [service, version] : further->versions)
    if (!version->openapi_v3_hash.empty() && name_of(version->group, version->version) == name)
      co_return std::optional<V3>(V3{version->openapi_v3_hash, version, nullptr});
  CO_TRY_ASSIGN(const rt::AsyncMutex::Lock lock, co_await begin(ctx));
  const auto served = registry_.served();
  const auto own = std::ranges::find(hashes_->v3, name, [](const auto& one) -> std::string_view { return one.first; });
  const RuntimeGroupVersion* installed = own == hashes_->v3.end() ? find_runtime(*served, name) : nullptr;
  if (own == hashes_->v3.end() && installed == nullptr) co_return std::optional<V3>();
  V3 out;
  out.hash = installed ? v3_hash(*installed) : own->second;
  auto document = std::make_shared<Document>();
  document->etag = "\"" + out.hash + "\"";
  document->content_type = form == Form::ProtoV3 ? v3_proto_type : std::string_view("application/json");
  out.document = document;
  if (!form || names_tag(if_none_match, document->etag)) co_return std::optional<V3>(std::move(out));
  std::function<void()> make = [this, installed, name, form, &document] {
    if (installed) {
      make_v3(*installed, *document);
    } else {
      const auto text = openapi::v3_json(registry_.served_by_table().group_versions(), name);
      CHECK(text.has_value(), "what has a hash is there");
      document->stretches.push_back({"", std::make_shared<const Packed>(*text), nullptr, Section::Paths});
    }
    if (form == Form::ProtoV3) put_into_proto(*document);
  };
  co_await runtime_.run_blocking(std::move(make));
  co_return std::optional<V3>(std::move(out));
}

}  // namespace pintle::apiserver::published
