import DeviceModel
import Synchronization

/// The interrupts of a virtio PCI function (virtio 1.2, 4.1.4.5 and 4.1.5.1): a vector for the configuration and one for each
/// queue while MSI-X is on; otherwise the ISR status register and the level of INTx.
///
/// Sendable although table and configuration are not: what is used of them here may be used from any thread.
final class VirtioPCIInterrupt: VirtioInterrupts, @unchecked Sendable {
  /// No vector: no interrupt.
  static let noVector: UInt16 = 0xFFFF

  private let table: MSIXTable
  private let edges: [any InterruptEdge]
  private let line: any InterruptLine
  private let configuration: PCIConfiguration
  private let status = VirtioInterruptStatus()
  private let configurationVector = Vector()
  private let queueVectors: [Vector]

  private final class Vector: Sendable {
    let number = Atomic<UInt16>(VirtioPCIInterrupt.noVector)
  }

  init(table: MSIXTable, line: any InterruptLine, configuration: PCIConfiguration, queueCount: Int) {
    self.table = table
    self.line = line
    self.configuration = configuration
    edges = (0..<table.vectorCount).map { table.edge(vector: $0) }
    queueVectors = (0..<queueCount).map { _ in Vector() }
  }

  func usedBuffers(queue: Int) { interrupt(VirtioInterruptStatus.usedBuffers, queueVectors[queue]) }
  func configurationChanged() { interrupt(VirtioInterruptStatus.configuration, configurationVector) }

  /// The vector's own, while MSI-X is on and the vector is not masked.
  func eventDescriptor(queue: Int) -> Int32? {
    let number = Int(queueVectors[queue].number.load(ordering: .acquiring))
    return table.isEnabled && edges.indices.contains(number) ? edges[number].eventDescriptor : nil
  }

  private func interrupt(_ cause: UInt32, _ vector: Vector) {
    if table.isEnabled {
      let number = Int(vector.number.load(ordering: .acquiring))
      if edges.indices.contains(number) { edges[number].pulse() }
    } else {
      status.insert(cause)
      driveLine()
    }
  }

  /// The ISR status register: reading takes the causes and lowers INTx.
  func takeStatus() -> UInt32 {
    let causes = status.take()
    driveLine()
    return causes
  }

  /// Brings INTx in line with the causes. What another thread adds between look and action is seen by the second look.
  func driveLine() {
    repeat {
      let isPending = status.value != 0
      configuration.setInterruptPending(isPending)
      line.set(isPending && !configuration.isInterruptDisabled && !table.isEnabled)
      if isPending == (status.value != 0) { return }
    } while true
  }

  /// The vector of `queue`, or of the configuration where that is nil.
  func vector(queue: Int?) -> UInt16 { slot(queue)?.number.load(ordering: .acquiring) ?? Self.noVector }

  /// Maps a queue, or the configuration, to a vector; to none where there is no such vector (4.1.5.1.2.1).
  func setVector(_ value: UInt16, queue: Int?) {
    slot(queue)?.number.store(edges.indices.contains(Int(value)) ? value : Self.noVector, ordering: .releasing)
  }

  private func slot(_ queue: Int?) -> Vector? {
    guard let queue else { return configurationVector }
    return queueVectors.indices.contains(queue) ? queueVectors[queue] : nil
  }

  /// A device reset forgets causes and vectors.
  func reset() {
    _ = takeStatus()
    for vector in [configurationVector] + queueVectors { vector.number.store(Self.noVector, ordering: .releasing) }
  }
}
