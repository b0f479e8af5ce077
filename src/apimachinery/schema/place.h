// Where a walker stands in an object: a chain of steps on its stack, which becomes text only when there is something to say.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pintle::apimachinery::schema {

struct Place {
  enum class Kind : uint8_t {
    Top,
    Name,    // "a.name", "name" at the top
    Dotted,  // "a.name", ".name" at the top
    Key,     // "a[name]"
    Index,   // "a[3]"
  };
  Kind kind = Kind::Top;
  const Place* parent = nullptr;
  std::string_view name;
  std::size_t index = 0;

  Place child(std::string_view member) const { return {Kind::Name, this, member, 0}; }
  Place dotted(std::string_view member) const { return {Kind::Dotted, this, member, 0}; }
  Place key(std::string_view member) const { return {Kind::Key, this, member, 0}; }
  Place item(std::size_t i) const { return {Kind::Index, this, {}, i}; }
  bool is_top() const { return kind == Kind::Top; }

  std::string text() const {
    std::string out;
    append(out);
    return out;
  }
  // Behind the text of what holds the object; "" at the very top.
  std::string text_under(std::string_view base) const {
    std::string out(base);
    const std::string own = text();
    const std::string_view rest = own.starts_with('.') ? std::string_view(own).substr(1) : std::string_view(own);
    if (!out.empty() && !rest.empty() && !rest.starts_with('[')) out += '.';
    return out += rest;
  }

 private:
  void append(std::string& out) const {
    if (parent) parent->append(out);
    switch (kind) {
      case Kind::Top: break;
      case Kind::Name:
        if (!out.empty()) out += '.';
        out += name;
        break;
      case Kind::Dotted: (out += '.') += name; break;
      case Kind::Key: ((out += '[') += name) += ']'; break;
      case Kind::Index: ((out += '[') += std::to_string(index)) += ']'; break;
    }
  }
};

}  // namespace pintle::apimachinery::schema
