// JSON text straight into a struct, without a document in between.
#include <charconv>
#include <cmath>

#include "api/codec.h"
#include "api/decode_budget.h"
#include "api/rest.h"
#include "api/type_plan.h"
#include "api/untrusted.h"
#include "api/values.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_reader.h"
#include "codec/json_text.h"
#include "codec/path_frame.h"

namespace pintle::api {
namespace {

using codec::JsonReader;
using codec::PathFrame;
using Token = JsonReader::Token;

template <class T>
T& as(void* p) {
  return *static_cast<T*>(p);
}

std::string_view token_name(Token token) {
  switch (token) {
    case Token::Object: return "an object";
    case Token::Array: return "an array";
    case Token::String: return "a string";
    case Token::Number: return "a number";
    case Token::True:
    case Token::False: return "a boolean";
    default: return "null";
  }
}

// One bit for each field of a struct: which were there already.
class FieldSet {
 public:
  bool insert(std::size_t i) {
    uint64_t& word = i / 64 < 4 ? words_[i / 64] : far_.emplace_back();
    const uint64_t bit = uint64_t{1} << i % 64;
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }

 private:
  uint64_t words_[4] = {};
  std::vector<uint64_t> far_;  // no type of the API has so many fields; then duplicates go unnoticed
};

class JsonDecoder {
 public:
  JsonDecoder(std::string_view text, codec::Problems* problems, std::size_t bytes_max) : reader_(text), problems_(problems), budget_(bytes_max) {}

  bool document(const Type& type, void* into) { return value(type, into, nullptr) && reader_.finish(); }
  // After document() has returned false.
  Status error() const {
    if (budget_.exceeded()) return budget_.error();
    return message_.empty() ? reader_.error() : Status{Reason::BadRequest, 0, message_, {}};
  }
  bool type_error() const { return !message_.empty(); }

 private:
  bool fail(const PathFrame* at, std::string_view what) {
    message_ = at == nullptr ? "json: " : "json: " + codec::path_text(at) + ": ";
    message_ += what;
    return false;
  }
  bool mismatch(const PathFrame* at, std::string_view expected, Token found) {
    if (found == Token::End) return false;  // the reader knows what is wrong
    return fail(at, "expected " + std::string(expected) + ", found " + std::string(token_name(found)));
  }

  bool value(const Type& type, void* p, const PathFrame* at) {
    const Token token = reader_.peek();
    if (token == Token::Null) return null(type, p);
    switch (type.kind) {
      case Kind::String:
        if (token != Token::String) return mismatch(at, "a string", token);
        return reader_.read_string(as<std::string>(p));
      case Kind::Struct:
        if (token != Token::Object) return mismatch(at, "an object", token);
        return object(type, p, at);
      case Kind::Box:
      case Kind::Optional: {
        void* inner = type.pointer->get(p);
        if (inner == nullptr && type.kind == Kind::Box && !budget_.take(type.elem->size)) return false;
        return value(*type.elem, inner != nullptr ? inner : type.pointer->emplace(p), at);
      }
      case Kind::List:
        if (token != Token::Array) return mismatch(at, "an array", token);
        return list(type, p, at);
      case Kind::Map:
        if (token != Token::Object) return mismatch(at, "an object", token);
        return map(type, p, at);
      case Kind::Bool:
        if (token != Token::True && token != Token::False) return mismatch(at, "a boolean", token);
        as<bool>(p) = token == Token::True;
        return reader_.read_literal();
      case Kind::Int32: return integer<int32_t>(p, "a 32-bit integer", token, at);
      case Kind::Int64: return integer<int64_t>(p, "a 64-bit integer", token, at);
      case Kind::Uint64: return integer<uint64_t>(p, "an unsigned 64-bit integer", token, at);
      case Kind::Float32: return floating<float>(p, token, at);
      case Kind::Float64: return floating<double>(p, token, at);
      case Kind::Union: return union_value(type, p, token, at);
      default: return special(type, p, token, at);
    }
  }

  // null leaves scalars and structs as they are and empties what Go would set to nil.
  bool null(const Type& type, void* p) {
    if (!reader_.read_literal()) return false;
    switch (type.kind) {
      case Kind::Optional:
      case Kind::Box: type.pointer->reset(p); break;
      case Kind::List: type.list->clear(p); break;
      case Kind::Map: type.map->clear(p); break;
      case Kind::Bytes: as<std::string>(p).clear(); break;
      case Kind::Quantity: as<Quantity>(p) = {}; break;
      case Kind::Time: as<Time>(p) = {}; break;
      case Kind::MicroTime: as<MicroTime>(p) = {}; break;
      case Kind::Json: as<Json>(p) = {}; break;
      default: break;
    }
    return true;
  }

  template <class T>
  bool integer(void* p, std::string_view expected, Token token, const PathFrame* at) {
    if (token != Token::Number) return mismatch(at, expected, token);
    std::string_view literal;
    if (!reader_.read_number(literal)) return false;
    const auto [end, ec] = std::from_chars(literal.data(), literal.data() + literal.size(), as<T>(p));
    if (ec == std::errc() && end == literal.data() + literal.size()) return true;
    return fail(at, "expected " + std::string(expected) + ", found the number " + std::string(literal));
  }

  template <class T>
  bool floating(void* p, Token token, const PathFrame* at) {
    if (token != Token::Number) return mismatch(at, "a number", token);
    std::string_view literal;
    if (!reader_.read_number(literal)) return false;
    codec::Value number;
    if (codec::number_value(literal, number)) {
      as<T>(p) = static_cast<T>(number.as_double());
      if (std::isfinite(as<T>(p))) return true;
    }
    return fail(at, "the number " + std::string(literal) + " is out of range");
  }

  bool object(const Type& type, void* p, const PathFrame* at) {
    const TypePlan& plan = plan_of(type);
    FieldSet seen;
    bool first = true;
    bool seen_kind = false, seen_version = false;
    std::string_view key;
    if (!reader_.enter_object()) return false;
    while (reader_.next_key(first, key)) {
      const int index = plan.find(key);
      if (index >= 0) {
        const PlanField& field = plan.fields[static_cast<std::size_t>(index)];
        if (problems_ != nullptr && !seen.insert(static_cast<std::size_t>(index))) problems_->duplicate_field(at, key);
        const PathFrame frame{at, key};
        if (!value(*field.type, static_cast<char*>(p) + field.offset, &frame)) return false;
      } else if ((at == nullptr || type.kind_index >= 0) && (key == "kind" || key == "apiVersion")) {
        if (!type_meta(key, key == "kind" ? seen_kind : seen_version, at)) return false;
      } else if (type.rest_offset >= 0) {
        if (!rest_member(as<Rest>(static_cast<char*>(p) + type.rest_offset), key, at)) return false;
      } else {
        if (problems_ != nullptr) problems_->unknown_field(at, key);
        if (!reader_.skip_value()) return false;
      }
    }
    return reader_.ok();
  }

  bool rest_member(Rest& rest, std::string_view key, const PathFrame* at) {
    const std::string name(key);
    std::string_view text;
    if (!reader_.read_raw(text) || !budget_.take((1 + codec::json_values_max(text)) * sizeof(codec::Value))) return false;
    if (problems_ != nullptr && rest.members.find(name) != nullptr) problems_->duplicate_field(at, name);
    const PathFrame frame{at, name};
    JsonReader inner(text);
    codec::Value& member = rest.members[name];
    return codec::read_value(inner, member, problems_, &frame) || fail(&frame, inner.error().message);
  }

  // apiVersion and kind are no fields of our structs: checked to be strings, and passed over.
  bool type_meta(std::string_view key, bool& seen, const PathFrame* at) {
    if (seen && problems_ != nullptr) problems_->duplicate_field(at, key);
    seen = true;
    const Token token = reader_.peek();
    if (token != Token::String && token != Token::Null) {
      const PathFrame frame{at, key};
      return mismatch(&frame, "a string", token);
    }
    return reader_.skip_value();
  }

  bool list(const Type& type, void* p, const PathFrame* at) {
    type.list->clear(p);
    bool first = true;
    if (!reader_.enter_array()) return false;
    for (int64_t i = 0; reader_.next_element(first); ++i) {
      const PathFrame frame{at, {}, i};
      if (!budget_.take(type.elem->size) || !value(*type.elem, type.list->push_back(p), &frame)) return false;
    }
    return reader_.ok();
  }

  bool map(const Type& type, void* p, const PathFrame* at) {
    type.map->clear(p);
    bool first = true, sorted = true;
    std::string_view key, last;
    std::vector<std::string_view> keys;  // in document order, only where duplicates are reported
    if (!reader_.enter_object()) return false;
    while (reader_.next_key(first, key)) {
      if (type.map->size(p) > 0 && key <= last) sorted = false;
      last = key;
      if (problems_ != nullptr) keys.push_back(key);
      const PathFrame frame{at, key};
      if (!budget_.take(sizeof(std::string) + type.elem->size) || !value(*type.elem, type.map->append(p, key), &frame)) return false;
    }
    if (!reader_.ok()) return false;
    if (!sorted && type.map->sort_unique(p) && problems_ != nullptr) report_duplicates(keys, at);
    return true;
  }

  void report_duplicates(const std::vector<std::string_view>& keys, const PathFrame* at) {
    FlatMap<bool> seen;
    for (const std::string_view key : keys) seen.append(key);
    seen.sort_unique();
    for (const std::string_view key : keys) {
      bool& mark = seen[key];
      if (mark) problems_->duplicate_field(at, key);
      mark = true;
    }
  }

  // JSONSchemaPropsOrBool {allows, schema}, ...OrArray {schema, list}, ...OrStringArray {schema, list}.
  bool union_value(const Type& type, void* p, Token token, const PathFrame* at) {
    const TypePlan& plan = plan_of(type);
    const PlanField *one = plan.find_proto(1), *two = plan.find_proto(2);
    CHECK(one != nullptr && two != nullptr, "a union has the fields 1 and 2");
    const auto member = [&](const PlanField& field) { return value(*field.type, static_cast<char*>(p) + field.offset, at); };
    if (type.union_kind == UnionKind::OrBool) {
      bool& allows = as<bool>(static_cast<char*>(p) + one->offset);
      if (token == Token::Object) {
        allows = true;
        return member(*two);
      }
      if (token == Token::True || token == Token::False) return member(*one);
      return mismatch(at, "an object or a boolean", token);
    }
    if (token == Token::Object) return member(*one);
    if (token == Token::Array) return member(*two);
    return mismatch(at, "an object or an array", token);
  }

  bool special(const Type& type, void* p, Token token, const PathFrame* at) {
    std::string_view text;
    switch (type.kind) {
      case Kind::Quantity: {
        if (token != Token::String && token != Token::Number) return mismatch(at, "a quantity", token);
        if (token == Token::String ? !reader_.read_string(text) : !reader_.read_number(text)) return false;
        const std::size_t from = std::min(text.find_first_not_of(" \t\r\n"), text.size());
        text = text.substr(from, text.find_last_not_of(" \t\r\n") + 1 - from);
        return assign<Quantity>(p, Quantity::parse(text), at);
      }
      case Kind::IntOrString: return int_or_string(as<IntOrString>(p), token, at);
      case Kind::RawExtension: {
        // To the byte, as upstream keeps it: what may not change is compared so.
        if (!reader_.read_raw(text)) return false;
        as<RawExtension>(p).raw = text;
        return true;
      }
      case Kind::FieldsV1: return raw(as<FieldsV1>(p).raw);
      case Kind::Json: return raw(as<Json>(p).raw);
      default: break;
    }
    // The rest is read from strings.
    if (token != Token::String) return mismatch(at, "a string", token);
    if (!reader_.read_string(text)) return false;
    switch (type.kind) {
      case Kind::Bytes: {
        auto bytes = codec::decode_base64(text);
        if (!bytes) return fail(at, "the string is not base64");
        as<std::string>(p) = std::move(*bytes);
        return true;
      }
      case Kind::Time: {
        auto time = parse_time(text);
        if (time) time->nanos = 0;  // a Time has seconds, whatever was sent
        return assign<Time>(p, std::move(time), at);
      }
      case Kind::MicroTime: {
        auto time = parse_micro_time(text);
        if (time) time->nanos -= time->nanos % 1000;
        return assign<MicroTime>(p, std::move(time), at);
      }
      case Kind::Duration: return assign<Duration>(p, parse_duration(text), at);
      default: check_failed(__FILE__, __LINE__, "type.kind", "a kind without a JSON form");
    }
  }

  template <class T>
  bool assign(void* p, Result<T> result, const PathFrame* at) {
    if (!result) return fail(at, result.error().message);
    as<T>(p) = std::move(*result);
    return true;
  }

  bool int_or_string(IntOrString& out, Token token, const PathFrame* at) {
    out = {};
    if (token == Token::Number) return integer<int32_t>(&out.int_value, "a 32-bit integer or a string", token, at);
    if (token != Token::String) return mismatch(at, "an integer or a string", token);
    out.is_string = true;
    return reader_.read_string(out.string_value);
  }

  bool raw(std::string& out) {
    std::string_view text;
    if (!reader_.read_raw(text)) return false;
    out = codec::compact_json(text);
    return true;
  }

  JsonReader reader_;
  codec::Problems* problems_;
  DecodeBudget budget_;
  std::string message_;
};

Result<Unit> decode_within(std::size_t bytes_max, std::string_view json, const Type& type, void* into, Strictness strictness, DecodeReport* report) {
  std::vector<std::string> unused;
  codec::Problems problems(report != nullptr ? report->problems : unused);
  JsonDecoder decoder(json, strictness == Strictness::Collect && report != nullptr ? &problems : nullptr, bytes_max);
  if (decoder.document(type, into)) return Unit();
  if (decoder.type_error()) {
    // Text that is no JSON at all is the graver fault, even behind a wrong type.
    JsonReader check(json);
    if (!check.skip_value() || !check.finish()) return Unexpected(check.error());
  }
  return Unexpected(decoder.error());
}

}  // namespace

Result<Unit> decode_json(std::string_view json, const Type& type, void* into, Strictness strictness, DecodeReport* report) {
  return decode_within(DecodeBudget::unlimited, json, type, into, strictness, report);
}

Result<Unit> decode_untrusted_json(std::string_view json, const Type& type, void* into, Strictness strictness, DecodeReport* report) {
  return decode_within(codec::decoded_bytes_max, json, type, into, strictness, report);
}

Result<Unit> decode_untrusted_value(const codec::Value& value, const Type& type, void* into, Strictness strictness, DecodeReport* report) {
  return decode_untrusted_json(codec::to_json(value), type, into, strictness, report);
}

Result<Unit> decode_value(const codec::Value& value, const Type& type, void* into, Strictness strictness, DecodeReport* report) {
  return decode_json(codec::to_json(value), type, into, strictness, report);
}

}  // namespace pintle::api
