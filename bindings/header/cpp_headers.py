"""What the C++ headers wrap of the C header, read from their syntax tree.

- A function is wrapped if a C++ header calls it.
- The fields of a struct that programs pass in are wrapped if they are assigned, and if the member of the C++ class that
  they are assigned from can be set from outside. The initial value of that member is the default.
- The fields of a struct that the library fills in are wrapped if they are read, or if programs get the struct itself.
- A constant is wrapped if a C++ header names it.
"""

from . import clang

# The structs that programs pass in.
INPUTS = (
    "oss_resumable_client_options",
    "oss_download_object_request",
    "oss_resumable_list_request",
    "oss_resumable_prefix_request",
)
# The classes that have their fields in C++.
REQUESTS = ("ClientConfiguration", "DownloadObjectRequest", "ListObjectsRequest", "DownloadPrefixRequest")


class Tree:
    """The syntax tree of the C++ headers."""

    def __init__(self, header, include):
        roots = clang.cpp_trees(header, include)
        self.nodes = {node["id"]: node for root in roots for node in clang.walk(root) if "id" in node}
        self.cpp = [node for root in roots if root["kind"] == "NamespaceDecl" for node in clang.walk(root)]
        self.struct_of, self.fields = {}, {}
        for root in roots:
            if root["kind"] == "CXXRecordDecl" and root.get("completeDefinition"):
                found = [node for node in root["inner"] if node["kind"] == "FieldDecl"]
                self.fields[root["name"]] = [node["name"] for node in found]
                self.struct_of.update({node["id"]: root["name"] for node in found})
        self.class_of = {
            member["id"]: record
            for record in self.cpp
            if record.get("kind") == "CXXRecordDecl"
            for member in record.get("inner", [])
            if "id" in member
        }

    def c_field(self, node):
        """Struct and name of the C field that an expression is, or None."""
        struct = self.struct_of.get(node.get("referencedMemberDecl")) if node.get("kind") == "MemberExpr" else None
        return (struct, node["name"]) if struct else None

    def functions(self):
        called = (node.get("referencedDecl", {}) for node in self.cpp if node.get("kind") == "DeclRefExpr")
        return {
            found["name"]
            for found in called
            if found.get("kind") == "FunctionDecl" and found["name"].startswith("oss_resumable_")
        }

    def whole(self):
        """The structs that programs get or give as they are."""
        types = {
            kind: [node["type"]["qualType"] for node in self.cpp if node.get("kind") == kind]
            for kind in ("TypeAliasDecl", "FieldDecl", "InitListExpr")
        }
        return {
            struct
            for struct, fields in self.fields.items()
            if struct not in INPUTS
            and (
                struct in types["TypeAliasDecl"]
                # The parameter of a callback.
                or any(f"const {struct} &" in type for type in types["FieldDecl"])
                # The initialisers with struct_size are those of the C header, which set every field to zero.
                or struct in types["InitListExpr"]
                and fields[0] != "struct_size"
            )
        }

    def used(self):
        """The C fields that are read or assigned."""
        return {self.c_field(node) for node in self.cpp} - {None}

    def assigned(self):
        """The C fields that are assigned, each with what is assigned."""
        found = {}
        for node in self.cpp:
            if node.get("kind") == "BinaryOperator" and node.get("opcode") == "=":
                target, value = node["inner"]
                if field := self.c_field(target):
                    found.setdefault(field, []).append(value)
        return found

    def members(self, node):
        """The data members of requests in an expression; for a call of their methods, those in its body."""
        for below in clang.walk(node):
            member = self.nodes.get(below.get("referencedMemberDecl"), {})
            if self.class_of.get(member.get("id"), {}).get("name") not in REQUESTS:
                continue
            if member["kind"] == "FieldDecl":
                yield member
            elif member["kind"] == "CXXMethodDecl":
                yield from self.members(member)

    def can_be_set(self, member):
        """Whether a data member is public, or used by a public method that may change it or initialise it."""
        record = self.class_of[member["id"]]
        access = "public" if record["tagUsed"] == "struct" else "private"
        for node in record["inner"]:
            if node["kind"] == "AccessSpecDecl":
                access = node["access"]
            elif access == "public" and (node["id"] == member["id"] or changes(node, member)):
                return True
        return False


def changes(method, member):
    """Whether a method or constructor that was written by hand, and is not const, uses a data member."""
    if method["kind"] not in ("CXXMethodDecl", "CXXConstructorDecl") or method.get("isImplicit"):
        return False
    if method["type"]["qualType"].endswith(" const"):
        return False
    for node in clang.walk(method):
        if node.get("referencedMemberDecl") == member["id"]:
            return True
        # A constructor lists all members, also those that get their default.
        if node.get("anyInit", {}).get("id") == member["id"]:
            return any(below.get("kind") == "DeclRefExpr" for below in clang.walk(node))
    return False


def is_switch(expression):
    """Whether an expression makes a switch of a bool."""
    return any(node.get("referencedDecl", {}).get("name") == "on" for node in clang.walk(expression))


def initial(member):
    """The initial value of a data member: True, False or a number; None without one, for zero and for anything else."""
    if not member.get("hasInClassInitializer"):
        return None
    values = [
        node
        for node in clang.walk(member)
        if node.get("kind") in ("CXXBoolLiteralExpr", "IntegerLiteral", "UnaryOperator")
    ]
    if len(values) != 1 or values[0]["kind"] == "UnaryOperator":
        return None
    if values[0]["kind"] == "CXXBoolLiteralExpr":
        return bool(values[0]["value"])
    return int(values[0]["value"]) or None


def coverage(header, include):
    """What the C++ headers wrap, in the form that compare.py reads."""
    tree = Tree(f"{include}/oss_resumable/oss_resumable.hpp", include)
    structs = {
        struct: {name: {} for name in fields} for struct, fields in tree.fields.items() if struct in tree.whole()
    }
    for struct, name in tree.used():
        if struct not in INPUTS:
            structs.setdefault(struct, {})[name] = {}
    for (struct, name), values in tree.assigned().items():
        members = [member for value in values for member in tree.members(value)]
        if struct in INPUTS and all(map(tree.can_be_set, members)):
            found = [initial(member) for member in members]
            defaults = [
                value
                for value in found
                if value is not None and (not isinstance(value, bool) or any(map(is_switch, values)))
            ]
            structs.setdefault(struct, {})[name] = {"default": defaults[0] if defaults else None}
    named = set()
    for file in sorted((include / "oss_resumable").glob("*.hpp")):
        if "sdk" not in file.name:
            named |= clang.identifiers(file, include)
    # They are the macros of the C header, so their values are, too.
    return {
        "structs": structs,
        "functions": {name: {} for name in tree.functions()},
        "constants": {name: value for name, value in header.constants.items() if name in named},
    }
