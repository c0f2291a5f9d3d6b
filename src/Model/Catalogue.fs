// Says what each operation is: one row per opcode, for checks, messages, documentation and the simulated kernel. Decides
// nothing about a running operation. Tested in CatalogueLaws.fs. Source: man io_uring_enter(2), the liburing prep pages.
// Length: one table.
namespace Uring.Model

open System

/// A field of a submission that an opcode may use, besides opcode, flags, descriptor and user data.
[<Flags>]
type Field =
    | None = 0
    | Offset = 1
    | Address = 2
    | Length = 4
    | OpFlags = 8
    | Priority = 16
    | FileIndex = 32
    | Buffer = 64
    | Address3 = 128

/// What a result means that is not an error.
[<Struct; RequireQualifiedAccess>]
type Meaning =
    /// 0.
    | Done
    /// How many bytes went, or came.
    | Bytes
    /// A new descriptor, or 0 for one in the ring's table.
    | Descriptor
    /// Poll's events.
    | Events
    /// How many of something else.
    | Count

/// Where a slot of the ring's registered files stands for a descriptor.
[<Flags>]
type Slots =
    | None = 0
    /// For the file that it works on (IOSQE_FIXED_FILE).
    | Target = 1
    /// For the second file, which it takes from (SPLICE_F_FD_IN_FIXED).
    | Source = 2
    /// For what it makes.
    | Result = 4
    /// A field of its own names a slot.
    | Argument = 8

/// What an operation works on, as far as its errors are concerned.
[<Struct; RequireQualifiedAccess>]
type Realm =
    /// Files and the rest: an error is one of input and output.
    | Files
    /// Sockets: an error is a socket's.
    | Sockets
    /// Either: its descriptor knows.
    | Either

/// Which way the bytes go that its result counts, between the program's memory and the kernel.
[<Struct; RequireQualifiedAccess>]
type Flow =
    /// No bytes, or none in the program's memory.
    | Nowhere
    /// Out of it, where they may not change before the last completion.
    | Out
    /// Into it.
    | In

/// One operation.
///
/// Laws
///  1. every opcode has one row, under its own number
///  2. the first kernels ascend with the numbers
///  3. a constructor fills no field that its opcode's row does not name
///  4. a form that came later than its opcode says when: multishot, buffers of a group
///  5. what socket(7) and its pages have a call for works on sockets, and what goes through the ring's table on either
///  6. an opcode stands for a multishot form if it is as new, or newer
///  7. which slot is the source, or takes the result, says the file index
///  8. what a result counts in bytes goes into memory by READ, RECV and GETXATTR, out of it by WRITE and SEND, else nowhere
[<RequireQualifiedAccess>]
type OperationRow = {
    Opcode: Opcode
    /// io_uring's own name, without IORING_OP_.
    Name: string
    /// The first kernel that has it.
    Since: string
    Fields: Field
    Meaning: Meaning
    /// The first kernel with a multishot form, or nothing.
    Multishot: string
    /// Multishot forms are not in the probe: an opcode that came with the same kernel stands for this one's.
    MultishotSign: Opcode
    /// The first kernel in which it can take buffers of a group, or nothing.
    Groups: string
    /// Which way its bytes go.
    Flow: Flow
    /// They lie at `Address`, for `Length` bytes, and not where a vector or a message says.
    Transfers: bool
    /// What of it can be a direct descriptor.
    Slots: Slots
    /// Where the ring lacks it, a system call in its place does the same at once: it is older than io_uring, and waits for
    /// nobody.
    HasCall: bool
    /// Whose errors it has.
    Realm: Realm
    /// Errors of its man page that a program has to expect though nothing is wrong with it.
    Errors: Errno list
}

/// The table.
[<RequireQualifiedAccess>]
module Catalogue =

    let private row (opcode: Opcode) name since fields meaning : OperationRow = {
        Opcode = opcode
        Name = name
        Since = since
        Fields = fields
        Meaning = meaning
        Multishot = ""
        MultishotSign = opcode
        Groups = ""
        Flow = Flow.Nowhere
        Transfers = false
        Slots = Slots.None
        HasCall = false
        Realm = Realm.Files
        Errors = []
    }

    let private into (row: OperationRow) = { row with Flow = Flow.In }
    let private out (row: OperationRow) = { row with Flow = Flow.Out }
    let private transfers (row: OperationRow) = { row with Transfers = true }
    let private ofSockets (row: OperationRow) = { row with Realm = Realm.Sockets }
    let private ofEither (row: OperationRow) = { row with Realm = Realm.Either }

    let private multishot since sign (row: OperationRow) = {
        row with
            Multishot = since
            MultishotSign = sign
    }

    let private slots places (row: OperationRow) = { row with Slots = places }
    let private onFile (row: OperationRow) = slots (row.Slots ||| Slots.Target) row
    let private called (row: OperationRow) = { row with HasCall = true }
    let private groups since (row: OperationRow) = { row with Groups = since }
    let private fails errors (row: OperationRow) = { row with Errors = errors }

    let private at = Field.Offset ||| Field.Address ||| Field.Length
    let private flagged = at ||| Field.OpFlags
    let private readsOrWrites = flagged ||| Field.Priority
    let private ofBuffer = readsOrWrites ||| Field.Buffer
    let private message = Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.Priority
    let private sends = message ||| Field.Offset ||| Field.FileIndex ||| Field.Buffer
    let private path = Field.Address ||| Field.OpFlags
    let private memory = [ Errno.ENOMEM; Errno.ENOBUFS ]
    let private space = [ Errno.EIO; Errno.ENOSPC ]
    let private disk = [ Errno.EIO ]

    /// Every operation, in the order of their numbers.
    let rows: OperationRow list = [
        row Opcode.Nop "NOP" "5.1" (Field.OpFlags ||| Field.Length ||| Field.Buffer) Meaning.Done
        |> slots Slots.Argument
        row Opcode.ReadVector "READV" "5.1" readsOrWrites Meaning.Bytes
        |> into
        |> groups "5.7"
        |> fails disk
        |> onFile
        row Opcode.WriteVector "WRITEV" "5.1" readsOrWrites Meaning.Bytes |> out |> fails space |> onFile
        row Opcode.Sync "FSYNC" "5.1" (Field.Offset ||| Field.Length ||| Field.OpFlags) Meaning.Done
        |> fails disk
        |> onFile
        row Opcode.ReadFixed "READ_FIXED" "5.1" ofBuffer Meaning.Bytes
        |> into
        |> transfers
        |> fails disk
        |> onFile
        row Opcode.WriteFixed "WRITE_FIXED" "5.1" ofBuffer Meaning.Bytes
        |> out
        |> transfers
        |> fails space
        |> onFile
        row Opcode.PollAdd "POLL_ADD" "5.1" (Field.OpFlags ||| Field.Length) Meaning.Events
        |> multishot "5.13" Opcode.PollAdd
        |> onFile
        row Opcode.PollRemove "POLL_REMOVE" "5.1" flagged Meaning.Done
        row
            Opcode.SyncFileRange
            "SYNC_FILE_RANGE"
            "5.2"
            (Field.Offset ||| Field.Length ||| Field.OpFlags)
            Meaning.Done
        |> fails disk
        |> onFile
        row Opcode.SendMessage "SENDMSG" "5.3" message Meaning.Bytes
        |> out
        |> fails memory
        |> onFile
        |> ofSockets
        row Opcode.ReceiveMessage "RECVMSG" "5.3" message Meaning.Bytes
        |> into
        |> multishot "6.0" Opcode.SendZeroCopy
        |> groups "5.7"
        |> fails memory
        |> onFile
        |> ofSockets
        row Opcode.Timeout "TIMEOUT" "5.4" flagged Meaning.Done |> multishot "6.4" Opcode.ReadMultishot
        row
            Opcode.TimeoutRemove
            "TIMEOUT_REMOVE"
            "5.5"
            (Field.Address ||| Field.Offset ||| Field.OpFlags)
            Meaning.Done
        row
            Opcode.Accept
            "ACCEPT"
            "5.5"
            (Field.Address ||| Field.Offset ||| Field.OpFlags ||| Field.Priority ||| Field.FileIndex)
            Meaning.Descriptor
        |> multishot "5.19" Opcode.Socket
        |> fails [ Errno.ECONNABORTED; Errno.EMFILE ]
        |> slots (Slots.Target ||| Slots.Result)
        |> ofSockets
        row
            Opcode.Cancel
            "ASYNC_CANCEL"
            "5.5"
            (Field.Address ||| Field.OpFlags ||| Field.Length)
            Meaning.Count
        |> slots Slots.Argument
        row
            Opcode.LinkTimeout
            "LINK_TIMEOUT"
            "5.5"
            (Field.Address ||| Field.Length ||| Field.OpFlags)
            Meaning.Done
        row Opcode.Connect "CONNECT" "5.5" (Field.Address ||| Field.Offset) Meaning.Done
        |> ofSockets
        |> fails [ Errno.ECONNREFUSED; Errno.ETIMEDOUT ]
        |> onFile
        row Opcode.Allocate "FALLOCATE" "5.6" at Meaning.Done |> fails space |> onFile
        row
            Opcode.OpenAt
            "OPENAT"
            "5.6"
            (Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.FileIndex)
            Meaning.Descriptor
        |> fails [ Errno.EMFILE; Errno.ENOMEM ]
        |> slots Slots.Result
        row Opcode.Close "CLOSE" "5.6" Field.FileIndex Meaning.Done |> slots Slots.Argument
        row Opcode.FilesUpdate "FILES_UPDATE" "5.6" at Meaning.Count |> slots Slots.Argument
        row Opcode.Status "STATX" "5.6" flagged Meaning.Done |> fails disk
        row Opcode.Read "READ" "5.6" readsOrWrites Meaning.Bytes
        |> into
        |> transfers
        |> groups "5.7"
        |> fails disk
        |> onFile
        row Opcode.Write "WRITE" "5.6" readsOrWrites Meaning.Bytes
        |> out
        |> transfers
        |> fails space
        |> onFile
        row Opcode.FileAdvise "FADVISE" "5.6" flagged Meaning.Done |> onFile
        row Opcode.MemoryAdvise "MADVISE" "5.6" flagged Meaning.Done
        row Opcode.Send "SEND" "5.6" sends Meaning.Bytes
        |> out
        |> transfers
        |> groups "6.10"
        |> fails memory
        |> onFile
        |> ofSockets
        row Opcode.Receive "RECV" "5.6" (message ||| Field.FileIndex) Meaning.Bytes
        |> into
        |> transfers
        |> multishot "6.0" Opcode.SendZeroCopy
        |> groups "5.7"
        |> fails memory
        |> onFile
        |> ofSockets
        row Opcode.OpenAt2 "OPENAT2" "5.6" (at ||| Field.FileIndex) Meaning.Descriptor
        |> fails [ Errno.EMFILE; Errno.ENOMEM ]
        |> slots Slots.Result
        row Opcode.EpollControl "EPOLL_CTL" "5.6" at Meaning.Done
        row Opcode.Splice "SPLICE" "5.7" (flagged ||| Field.FileIndex) Meaning.Bytes
        |> slots (Slots.Target ||| Slots.Source)
        row Opcode.ProvideBuffers "PROVIDE_BUFFERS" "5.7" (at ||| Field.Buffer) Meaning.Done
        row Opcode.RemoveBuffers "REMOVE_BUFFERS" "5.7" Field.Buffer Meaning.Count
        row Opcode.Tee "TEE" "5.8" (Field.Length ||| Field.OpFlags ||| Field.FileIndex) Meaning.Bytes
        |> slots (Slots.Target ||| Slots.Source)
        row Opcode.Shutdown "SHUTDOWN" "5.11" Field.Length Meaning.Done |> onFile |> ofSockets
        row Opcode.RenameAt "RENAMEAT" "5.11" flagged Meaning.Done |> fails space
        row Opcode.UnlinkAt "UNLINKAT" "5.11" path Meaning.Done |> fails disk
        row Opcode.MakeDirectoryAt "MKDIRAT" "5.15" (Field.Address ||| Field.Length) Meaning.Done
        |> fails space
        row Opcode.SymbolicLinkAt "SYMLINKAT" "5.15" (Field.Address ||| Field.Offset) Meaning.Done
        |> fails space
        row Opcode.LinkAt "LINKAT" "5.15" flagged Meaning.Done |> fails space
        row Opcode.MessageRing "MSG_RING" "5.18" (flagged ||| Field.FileIndex ||| Field.Address3) Meaning.Done
        |> slots (Slots.Target ||| Slots.Argument)
        row Opcode.SetAttributeOfFile "FSETXATTR" "5.19" flagged Meaning.Done |> fails space |> onFile
        row Opcode.SetAttribute "SETXATTR" "5.19" (flagged ||| Field.Address3) Meaning.Done |> fails space
        row Opcode.GetAttributeOfFile "FGETXATTR" "5.19" at Meaning.Bytes |> into |> fails disk |> onFile
        row Opcode.GetAttribute "GETXATTR" "5.19" (at ||| Field.Address3) Meaning.Bytes
        |> into
        |> fails disk
        row
            Opcode.Socket
            "SOCKET"
            "5.19"
            (Field.Offset ||| Field.Length ||| Field.OpFlags ||| Field.FileIndex)
            Meaning.Descriptor
        |> ofSockets
        |> fails [ Errno.EMFILE; Errno.ENOBUFS ]
        |> slots Slots.Result
        row
            Opcode.Command
            "URING_CMD"
            "5.19"
            (flagged ||| Field.FileIndex ||| Field.Buffer ||| Field.Address3)
            Meaning.Count
        |> onFile
        row Opcode.SendZeroCopy "SEND_ZC" "6.0" sends Meaning.Bytes
        |> out
        |> transfers
        |> fails memory
        |> onFile
        |> ofSockets
        row Opcode.SendMessageZeroCopy "SENDMSG_ZC" "6.1" (message ||| Field.Buffer) Meaning.Bytes
        |> out
        |> ofSockets
        |> fails memory
        |> onFile
        row Opcode.ReadMultishot "READ_MULTISHOT" "6.7" (Field.Offset ||| Field.Length) Meaning.Bytes
        |> into
        |> multishot "6.7" Opcode.ReadMultishot
        |> groups "6.7"
        |> fails disk
        |> onFile
        row
            Opcode.WaitId
            "WAITID"
            "6.7"
            (Field.Offset ||| Field.Length ||| Field.OpFlags ||| Field.FileIndex)
            Meaning.Done
        row
            Opcode.FutexWait
            "FUTEX_WAIT"
            "6.7"
            (Field.Address ||| Field.Offset ||| Field.Address3)
            Meaning.Done
        row
            Opcode.FutexWake
            "FUTEX_WAKE"
            "6.7"
            (Field.Address ||| Field.Offset ||| Field.Address3)
            Meaning.Count
        row Opcode.FutexWaitVector "FUTEX_WAITV" "6.7" (Field.Address ||| Field.Length) Meaning.Count
        row Opcode.InstallFixed "FIXED_FD_INSTALL" "6.8" Field.OpFlags Meaning.Descriptor
        |> ofEither
        |> fails [ Errno.EMFILE ]
        |> onFile
        row Opcode.Truncate "FTRUNCATE" "6.9" Field.Offset Meaning.Done |> fails disk |> onFile |> called
        row Opcode.Bind "BIND" "6.11" (Field.Address ||| Field.Offset) Meaning.Done
        |> onFile
        |> called
        |> ofSockets
        row Opcode.Listen "LISTEN" "6.11" Field.Length Meaning.Done |> onFile |> called |> ofSockets
        row
            Opcode.ReceiveZeroCopy
            "RECV_ZC"
            "6.15"
            (Field.Length ||| Field.OpFlags ||| Field.Priority ||| Field.FileIndex)
            Meaning.Bytes
        |> into
        |> multishot "6.15" Opcode.ReceiveZeroCopy
        |> onFile
        |> ofSockets
        row Opcode.EpollWait "EPOLL_WAIT" "6.15" (Field.Address ||| Field.Length) Meaning.Count |> onFile
        row Opcode.ReadVectorFixed "READV_FIXED" "6.15" ofBuffer Meaning.Bytes
        |> into
        |> fails disk
        |> onFile
        row Opcode.WriteVectorFixed "WRITEV_FIXED" "6.15" ofBuffer Meaning.Bytes
        |> out
        |> fails space
        |> onFile
        row Opcode.Pipe "PIPE" "6.16" (path ||| Field.FileIndex) Meaning.Done
        |> fails [ Errno.EMFILE ]
        |> slots Slots.Result
        |> called
    ]

    let private byNumber = Array.ofList rows

    /// The row of an opcode; nothing for a number that this library does not know.
    let tryFind (opcode: Opcode) : OperationRow voption =
        if int opcode < byNumber.Length then ValueSome byNumber[int opcode] else ValueNone

    /// The first kernel that has this opcode, as far as this library knows.
    let since (opcode: Opcode) : string =
        match tryFind opcode with
        | ValueSome row -> row.Since
        | ValueNone -> "a newer kernel"

    /// The result of success is a new descriptor, which somebody has to close.
    let createsDescriptor (opcode: Opcode) : bool =
        match tryFind opcode with
        | ValueSome row -> row.Meaning = Meaning.Descriptor
        | ValueNone -> false

    /// It reads or writes a file, and the device's order knows it: `Field.Priority` is an I/O priority, and no flags.
    let takesPriority (opcode: Opcode) : bool =
        match tryFind opcode with
        | ValueSome row ->
            row.Realm = Realm.Files
            && row.Meaning = Meaning.Bytes
            && (row.Fields &&& Field.Priority) <> Field.None
        | ValueNone -> false

    /// A slot of the ring's registered files can stand in this place.
    let takesSlot (place: Slots) (opcode: Opcode) : bool =
        match tryFind opcode with
        | ValueSome row -> (row.Slots &&& place) <> Slots.None
        | ValueNone -> false

    /// Which way its bytes go.
    let flow (opcode: Opcode) : Flow =
        match tryFind opcode with
        | ValueSome row -> row.Flow
        | ValueNone -> Flow.Nowhere

    /// The library cannot do without these: a ring that lacks one is none.
    let needed: Opcode list = [ Opcode.Nop; Opcode.Cancel; Opcode.Close ]

    /// Its errors are a socket's; `descriptorIsSocket` is what its descriptor knows of itself.
    let isOfSocket (descriptorIsSocket: bool) (opcode: Opcode) : bool =
        match tryFind opcode with
        | ValueSome row when row.Realm = Realm.Either -> descriptorIsSocket
        | ValueSome row -> row.Realm = Realm.Sockets
        | ValueNone -> false

    /// It may use this field.
    let uses (field: Field) (opcode: Opcode) : bool =
        match tryFind opcode with
        | ValueSome row -> (row.Fields &&& field) <> Field.None
        | ValueNone -> false
