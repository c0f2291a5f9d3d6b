// What kernels of several versions have: for programs that must run on old ones. Source: reference table of features by
// version (5.15, 6.1, 6.8, 6.12, 6.18), man io_uring_setup(2).
namespace Uring.Simulation

open Uring.Model

/// A kernel version.
type KernelVersion = {
    /// "6.18", say.
    Name: string
    /// The last opcode that it has.
    LastOpcode: Opcode
    Features: FeatureFlags
    /// Bits of the set-up flags that it knows.
    SetupMask: uint32
    /// The last operation of io_uring_register(2) that it has.
    LastRegister: int
    /// Later opcodes that a distribution has put into it: that is why programs must probe.
    Backported: Opcode Set
}

/// The versions that can be simulated.
[<RequireQualifiedAccess>]
module KernelVersion =

    let private version name lastOpcode (features: uint32) lastSetupBit lastRegister = {
        Name = name
        LastOpcode = lastOpcode
        Features = LanguagePrimitives.EnumOfValue features
        SetupMask = (1u <<< (lastSetupBit + 1)) - 1u
        LastRegister = lastRegister
        Backported = Set.empty
    }

    /// Linux 5.15: no buffer rings, no multishot but poll.
    let linux5_15 = version "5.15" Opcode.LinkAt 0x7ffu 6 19
    /// Linux 6.1: buffer rings, multishot accept and receive, deferred completions.
    let linux6_1 = version "6.1" Opcode.SendMessageZeroCopy 0x1fffu 13 25
    /// Linux 6.8: multishot read and timeout.
    let linux6_8 = version "6.8" Opcode.InstallFixed 0x3fffu 16 26
    /// Linux 6.12: bundles and incremental buffers.
    let linux6_12 = version "6.12" Opcode.Listen 0xffffu 16 30
    /// Linux 6.18.
    let linux6_18 = version "6.18" Opcode.Pipe 0x3ffffu 18 35

    /// All of them, oldest first.
    let all = [ linux5_15; linux6_1; linux6_8; linux6_12; linux6_18 ]

    let internal has (feature: FeatureFlags) version = (version.Features &&& feature) <> FeatureFlags.None

    /// The same version with opcodes of later ones.
    let withOpcodes (opcodes: Opcode list) version = {
        version with
            Name = version.Name + " with backports"
            Backported = Set.union version.Backported (Set.ofList opcodes)
    }

    let internal supports (opcode: Opcode) version =
        byte opcode <= byte version.LastOpcode || version.Backported.Contains opcode
