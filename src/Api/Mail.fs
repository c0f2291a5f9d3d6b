// Messages from ring to ring: MSG_RING.
namespace Uring.FSharp

open System
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// What one ring tells another: numbers, with the meaning that the program gives them.
[<Struct>]
type Mail = {
    /// Of what sort it is, say.
    Tag: int
    Value: int
    /// 32 bits more (other than 0: Linux 6.3), which come as the flags of its completion: IORING_MSG_RING_FLAGS_PASS.
    Flags: uint32
}

/// Messages from one ring to another, without a lock and without a pause for the other (Linux 5.18). They come in the order
/// in which a ring has sent them, and wait until somebody takes them.
[<RequireQualifiedAccess>]
module Mail =

    let internal send
        (source: Loop)
        (target: Loop)
        (tag: int)
        (value: int)
        (flags: uint32)
        (token: CancellationToken)
        : Task =
        if flags <> 0u && not (Features.passesFlags source.Plan) then
            raise (Fault.tooOldFor "mail with flags" "6.3")

        let name = UserData.pack (uint32 tag) 0u CompletionKind.Message
        let ring = Sending.number target

        let submission =
            if flags = 0u then
                Submission.messageRing ring name (uint32 value)
            else
                Submission.messageRingFlagged ring name (uint32 value) flags

        let sending = Sending.perform source target (Request.bare submission) token

        task {
            let! result = sending

            if result < 0 then raise (Fault.ofResult Opcode.MessageRing "another ring" result token)
        }

    /// Sends one from the program's ring. ObjectDisposedException when the other has ended or is about to; IOException
    /// (EOVERFLOW, 75) when the kernel has no room for it; PlatformNotSupportedException when it is too old, for `Flags` before
    /// 6.3. man io_uring_prep_msg_ring(3).
    let post (ring: LoopHost) (mail: Mail) : Uring<unit> =
        Program.ofScope (fun scope ->
            let sending = send scope.Loop ring.Loop mail.Tag mail.Value mail.Flags scope.Token
            ValueTask<unit>(task { do! sending }))

    let private take (mailbox: Mailbox) (token: CancellationToken) : Task<Mail> =
        task {
            let mutable found = Unchecked.defaultof<Mail>
            let mutable waits = true

            while waits do
                let! some = mailbox.Wait token
                ObjectDisposedException.ThrowIf(not some, typeof<Loop>)
                let mutable message = struct (0, 0, 0u)

                if mailbox.TryTake &message then
                    let struct (tag, value, flags) = message
                    found <- { Tag = tag; Value = value; Flags = flags }
                    waits <- false

            return found
        }

    /// Takes the oldest that has come to the program's ring, or waits for one.
    let receive: Uring<Mail> =
        Program.ofScope (fun scope -> ValueTask<Mail>(take scope.Loop.Flights.Mailbox scope.Token))

    /// All that comes to the program's ring, one after another: `for mail in mails do` in `uring { }`. It has no end of its
    /// own: break it off, or cancel the program.
    let all: Uring<UringStream<Mail>> =
        UringStream.again (fun loop token -> take loop.Flights.Mailbox token)
