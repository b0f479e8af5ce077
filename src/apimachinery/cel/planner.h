// From the checked tree to a program: names become places, constants are made, functions chosen.
#pragma once

#include "apimachinery/cel/program_tables.h"

namespace pintle::apimachinery::cel {

// `program` has its tree, environment and pool. false: a constant part fails whenever it is evaluated; `error` says how.
bool plan(ProgramTables& program, std::string& error);

}  // namespace pintle::apimachinery::cel
