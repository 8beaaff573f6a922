// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Keeps a large value beside whatever holds it. A suspended task keeps every copy of every value that it may still need:
/// with the values of a run inline each export in flight would take many times the memory.
@propertyWrapper
package struct Boxed<Value: Sendable>: Sendable {
    private final class Box: Sendable {
        let value: Value

        init(_ value: Value) { self.value = value }
    }

    private var box: Box

    package init(wrappedValue: Value) { box = Box(wrappedValue) }

    /// Shares the value of another.
    package init(projectedValue: Boxed) { self = projectedValue }

    /// For handing the value on without a copy of it.
    package var projectedValue: Boxed { self }

    package var wrappedValue: Value {
        get { box.value }
        set { box = Box(newValue) }
    }
}

extension Boxed: Equatable where Value: Equatable {
    package static func == (left: Self, right: Self) -> Bool {
        left.box === right.box || left.wrappedValue == right.wrappedValue
    }
}

extension Boxed: Hashable where Value: Hashable {
    package func hash(into hasher: inout Hasher) { hasher.combine(wrappedValue) }
}
