// Tells the processor which objects will be needed soon: hints, which change nothing. With hundreds of connections their
// objects are not in its nearest caches, and each message would wait for a dozen of them, one after another:
// docs/decisions/0005.
namespace Uring.Kernel

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

#nowarn "9" // Pointers, of which nothing is read.

[<RequireQualifiedAccess>]
module internal Ahead =

    /// What lies there will be needed soon. On other processors than x86 this does nothing.
    let inline fetchLine (place: byref<'T>) = if Sse.IsSupported then Sse.Prefetch0(Unsafe.AsPointer &place)

    /// An object will be needed soon, that many cache lines of it: one more than its size needs, if it lies across.
    let inline fetch (something: obj) (lines: int) =
        if Sse.IsSupported then
            // Its first field, whatever it is: only the address counts, and where the collector moves it to does not matter.
            let first = Unsafe.AsPointer(&Unsafe.As<StrongBox<byte>>(something).Value)
            let address = NativePtr.ofVoidPtr<byte> first

            for line in 0 .. lines - 1 do
                Sse.Prefetch0(NativePtr.toVoidPtr (NativePtr.add address (line * 64)))
