// Who sent a message, as the kernel vouches for it.
namespace Uring;

/// <summary>
/// Who sent a message (SCM_CREDENTIALS): the kernel checks what a sender says. A receiver gets them with the option
/// SO_PASSCRED. See man unix(7).
/// </summary>
/// <param name="ProcessId">The process.</param>
/// <param name="UserId">Its user.</param>
/// <param name="GroupId">Its group.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId);
